package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// line is the way from a browser to a server, which can be cut.
type line struct {
	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex
	target string
	// most is how many bytes of requests a connection takes before it stands still;
	// zero is any number.
	most   int64
	broken chan struct{} // closed while it is cut
	conns  map[net.Conn]bool
}

// newLine lays a line to an address, for as long as the test runs.
func newLine(t *testing.T, target string, most int64) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: target, most: most, broken: make(chan struct{}), conns: make(map[net.Conn]bool)}
	l.work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.work.Go(func() { l.carry(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.cut()
		l.work.Wait()
	})
	return l
}

func (l *line) URL() string { return "http://" + l.listener.Addr().String() }

// hold notes a connection that a cut closes. It returns false if the line is cut.
func (l *line) hold(conn net.Conn) (target string, most int64, broken <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.broken:
		return "", 0, nil, false
	default:
		l.conns[conn] = true
		return l.target, l.most, l.broken, true
	}
}

func (l *line) drop(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	conn.Close()
	delete(l.conns, conn)
}

// carry carries what comes from a browser's connection until either end closes.
func (l *line) carry(conn net.Conn) {
	defer l.drop(conn)
	target, most, broken, ok := l.hold(conn)
	if !ok {
		return
	}
	far, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer l.drop(far)
	if _, _, _, ok := l.hold(far); !ok {
		return
	}
	l.work.Go(func() {
		_, _ = io.Copy(conn, far)
		conn.Close()
	})
	buffer := make([]byte, 32<<10)
	for own := int64(0); ; {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		own += int64(n)
		if _, err := far.Write(buffer[:n]); err != nil {
			return
		}
		if most > 0 && own > most {
			<-broken
			return
		}
	}
}

// cut closes all connections and lets nobody through.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.broken:
	default:
		close(l.broken)
	}
	for conn := range l.conns {
		conn.Close()
	}
}

// mend lets everybody through to an address again, as many bytes as there are.
func (l *line) mend(target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target, l.most, l.broken = target, 0, make(chan struct{})
}

// upload is how many bytes the image of a package has whose upload breaks off.
const upload = 12 << 20

// begin sends a package over a line until that stands still, and returns its path.
func begin(t *testing.T, p *page, s *served) (file string) {
	t.Helper()
	p.logIn(s.admin(t))
	file = vnf(t, brings("firewall", "firewall-image", upload))
	p.drop(file)
	p.sees("Sending")
	p.bar("firewall.csar: Sending", 0.2)
	return file
}

// arrived is how many bytes of the only upload the server has.
func (s *served) arrived(t *testing.T, p *page) int64 {
	t.Helper()
	at := value[string](p, `JSON.parse(Object.entries(localStorage).find(([key]) => key.startsWith("upload "))[1]).url`)
	resp, err := s.do(t.Context(), http.MethodHead, at, s.admin(t), nil, "Tus-Resumable: 1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	offset, err := strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset <= 0 || offset >= upload {
		t.Fatalf("%s of the upload have arrived, with status %d", resp.Header.Get("Upload-Offset"), resp.StatusCode)
	}
	return offset
}

// ends waits for the package, which takes so many bytes more of its file than the
// server had when it was started.
func ends(t *testing.T, p *page, s *served, file string, had int64) {
	t.Helper()
	p.sees("Onboarded", "acme/firewall 1.0 · 1 image")
	whole, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	_, metrics := s.get(t, "/metrics", s.admin(t))
	if want := fmt.Sprintf("gangway_http_received_bytes_total{door=\"tus\"} %v\n", float64(whole.Size()-had)); !strings.Contains(metrics, want) {
		t.Errorf("the server has not received %s:\n%s", want, metrics)
	}
	if status, text := s.get(t, "/api/v1/images/firewall-image", s.admin(t)); status != http.StatusOK || !strings.Contains(text, strconv.Itoa(upload)) {
		t.Errorf("the image: %d %s", status, text)
	}
	if n := value[int](p, `Object.keys(localStorage).filter((key) => key.startsWith("upload ")).length`); n > 0 {
		t.Errorf("the browser still knows of %d uploads", n)
	}
}

// brokenLine is what the browser says of a line that is cut.
const brokenLine = "net::ERR_"

func (s *served) address() string { return strings.TrimPrefix(s.URL, "http://") }

func pageCut(t *testing.T, browser context.Context) {
	s := serveOf(t)
	l := newLine(t, s.address(), upload/3)
	p := open(t, browser, l.URL(), brokenLine)
	file := begin(t, p, s)
	l.cut()
	p.sees("Waiting", "The connection is broken")
	s.arrived(t, p)
	l.mend(s.address())
	ends(t, p, s, file, 0)
}

func pageRestart(t *testing.T, browser context.Context) {
	home := filepath.Join(t.TempDir(), "home")
	s := startServe(t, home)
	l := newLine(t, s.address(), upload/3)
	p := open(t, browser, l.URL(), brokenLine)
	file := begin(t, p, s)
	l.cut()
	if code := s.stop(); code != exitOK {
		t.Fatalf("exit code %d: %s", code, s.log)
	}
	p.sees("Waiting", "The connection is broken")
	again := startServe(t, home)
	again.AdminToken = s.AdminToken
	had := again.arrived(t, p)
	l.mend(again.address())
	ends(t, p, again, file, had)
}

func pageLeave(t *testing.T, browser context.Context) {
	s := serveOf(t)
	l := newLine(t, s.address(), upload/3)
	p := open(t, browser, l.URL(), brokenLine)
	file := begin(t, p, s)
	p.run("leave", chromedp.Navigate("about:blank"))
	l.cut()
	l.mend(s.address())
	p.run("come back", chromedp.Navigate(l.URL()))
	p.sees("firewall.csar", "Choose the file again, and it goes on from there.")
	s.arrived(t, p)
	p.choose("Upload packages", file)
	ends(t, p, s, file, 0)
	p.misses("Choose the file again")
}
