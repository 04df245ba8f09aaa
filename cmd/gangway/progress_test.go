package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var logTime = regexp.MustCompile(`(?m)^{"time":"[^"]*",`)

func TestTransfersAreLoggedEveryFewSecondsOffATerminal(t *testing.T) {
	transfer := func(config Config) string {
		var out bytes.Buffer
		synctest.Test(t, func(*testing.T) {
			p := (&app{stderr: &out, config: config}).newProgress()
			for second := range int64(8) {
				p.update("firewall.tar", "", second, 7)
				time.Sleep(time.Second)
			}
			for second := range int64(5) {
				p.update("firewall.tar", "disk", second, -1)
				time.Sleep(time.Second)
			}
			p.end("firewall.tar")
			p.finish()
		})
		return out.String()
	}
	want := `"level":"INFO","msg":"transfer","name":"firewall.tar","bytes":5,"of":7}
"level":"INFO","msg":"transfer","name":"firewall.tar disk","bytes":2,"of":-1}
`
	got := logTime.ReplaceAllString(transfer(Config{LogFormat: "json", LogLevel: "error"}), "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := transfer(Config{LogFormat: "text"}); !strings.Contains(got, `level=INFO msg=transfer name=firewall.tar bytes=5 of=7`) {
		t.Errorf("text: %q", got)
	}
	if got := transfer(Config{Quiet: true}); got != "" {
		t.Errorf("quiet: %q", got)
	}
}

func TestTransfersAreBarsOnATerminal(t *testing.T) {
	screen, terminal := openTerminal(t)
	a := &app{stderr: terminal}
	p := a.newProgress()
	for n := range 2 {
		p.update(fmt.Sprintf("\x1b[2Jpackage-%d.tar", n), "disk", 1<<20, 4<<20)
	}
	p.update("-", "", 1<<20, -1)

	a.loggerAt(slog.LevelInfo).Info("said above the bars")

	var seen strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(seen.String(), "package-1.tar disk") || !strings.Contains(seen.String(), "1.0 MiB / 4.0 MiB") ||
		!strings.Contains(seen.String(), "said above the bars") {
		n, err := screen.Read(buf)
		seen.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
	}
	if strings.Contains(seen.String(), "\x1b[2J") {
		t.Errorf("a name steers the terminal: %q", seen.String())
	}
	p.end("\x1b[2Jpackage-0.tar")
	p.finish()
	terminal.Close()
	if _, err := io.Copy(io.Discard, screen); err == nil {
		t.Error("the terminal is still open") // its other end reads EIO when it is closed
	}
}

// openTerminal returns both ends of a pseudo-terminal.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := screen.SetDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	number, err := control(screen, func(fd int) (int, error) {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return 0, err
		}
		if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 120}); err != nil {
			return 0, err
		}
		return unix.IoctlGetInt(fd, unix.TIOCGPTN)
	})
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

// control calls fn with the descriptor of a file, and leaves its deadlines in
// force.
func control(file *os.File, fn func(fd int) (int, error)) (n int, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	if controlErr := raw.Control(func(fd uintptr) { n, err = fn(int(fd)) }); controlErr != nil {
		return 0, controlErr
	}
	return n, err
}
