package main

import (
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// logEvery is how often a transfer is logged where there is no terminal.
const logEvery = 5 * time.Second

// progress shows how transfers advance: a bar for each on a terminal, else a
// log line every few seconds. It is safe for concurrent use.
type progress struct {
	log *slog.Logger

	mu        sync.Mutex
	container *mpb.Progress // nil off a terminal
	shown     *atomic.Pointer[mpb.Progress]
	transfers map[string]*transfer // by what is transferred
}

// transfer is something under way, and the part of it that passes now.
type transfer struct {
	part   string
	bar    *mpb.Bar
	logged time.Time
}

// newProgress shows progress on standard error, or nowhere when the user wants
// quiet. The caller ends it with finish.
func (a *app) newProgress() *progress {
	p := &progress{transfers: make(map[string]*transfer)}
	if a.config.Quiet {
		return p
	}
	if file, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.container = mpb.New(mpb.WithOutput(file), mpb.WithRefreshRate(150*time.Millisecond))
		p.shown = &a.bars
		p.shown.Store(p.container)
		return p
	}
	// Progress is wanted whatever the level of the log.
	p.log = a.loggerAt(slog.LevelInfo)
	return p
}

// update says how far the transfer of something is, and of which part of it, if
// it has parts, in bytes; total is negative while it is not known. Every transfer
// is shown once; a part that begins takes the place of the one before.
func (p *progress) update(of, part string, done, total int64) {
	if p.container == nil && p.log == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.transfers[of]
	switch {
	case t == nil:
		t = &transfer{part: part, logged: time.Now()}
		p.transfers[of] = t
	case t.part != part:
		t.part = part
		t.takeDown()
	}
	name := strings.TrimSpace(of + " " + part)
	if p.container != nil {
		t.draw(p.container, name, done, total)
	} else if time.Since(t.logged) >= logEvery {
		t.logged = time.Now()
		p.log.Info("transfer", "name", name, "bytes", done, "of", total)
	}
}

func (t *transfer) draw(container *mpb.Progress, name string, done, total int64) {
	if t.bar == nil {
		amount := []decor.Decorator{decor.CurrentKibiByte("% .1f "), decor.AverageSpeed(decor.SizeB1024(0), "% .1f")}
		if total >= 0 {
			amount = []decor.Decorator{decor.CountersKibiByte("% .1f / % .1f "), decor.AverageSpeed(decor.SizeB1024(0), "% .1f "), decor.AverageETA(decor.ET_STYLE_GO)}
		}
		t.bar = container.AddBar(max(total, 0), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(printable(name)+" ", decor.WCSyncSpaceR)), mpb.AppendDecorators(amount...))
	}
	t.bar.SetCurrent(done)
}

func (t *transfer) takeDown() {
	if t.bar != nil {
		t.bar.Abort(true)
		t.bar = nil
	}
}

// end says that the transfer of something has ended, however.
func (p *progress) end(of string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.transfers[of]; t != nil {
		t.takeDown()
		delete(p.transfers, of)
	}
}

// finish takes all bars down and waits until the terminal is as it was.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.transfers {
		t.takeDown()
	}
	if p.container != nil {
		p.shown.Store(nil)
		p.container.Wait()
	}
}

// logWriter writes log lines to standard error, above the bars while there are
// any.
type logWriter struct{ *app }

func (w logWriter) Write(line []byte) (int, error) {
	if bars := w.bars.Load(); bars != nil {
		if n, err := bars.Write(line); err == nil {
			return n, nil
		}
	}
	return w.stderr.Write(line)
}
