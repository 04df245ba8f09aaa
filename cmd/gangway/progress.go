package main

import (
	"log/slog"
	"os"
	"strings"
	"sync"
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
	transfers map[transferName]*transfer
}

// transferName says what is transferred, and which part of it.
type transferName struct{ of, part string }

func (n transferName) String() string { return strings.TrimSpace(n.of + " " + n.part) }

type transfer struct {
	bar    *mpb.Bar
	logged time.Time
}

// newProgress shows progress on standard error, or nowhere when the user wants
// quiet. The caller ends it with finish.
func (a *app) newProgress() *progress {
	p := &progress{transfers: make(map[transferName]*transfer)}
	if a.config.Quiet {
		return p
	}
	if file, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.container = mpb.New(mpb.WithOutput(file), mpb.WithRefreshRate(150*time.Millisecond))
		return p
	}
	// Progress is wanted whatever the level of the log.
	p.log = a.loggerAt(slog.LevelInfo)
	return p
}

// update says how far a transfer is in bytes; total is negative while it is not
// known.
func (p *progress) update(name transferName, done, total int64) {
	if p.container == nil && p.log == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.transfers[name]
	if t == nil {
		t = &transfer{logged: time.Now()}
		if p.container != nil {
			t.bar = p.container.AddBar(max(total, 0), mpb.BarRemoveOnComplete(),
				mpb.PrependDecorators(decor.Name(printable(name.String())+" ", decor.WCSyncSpaceR)),
				mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f "), decor.AverageSpeed(decor.SizeB1024(0), "% .1f "), decor.AverageETA(decor.ET_STYLE_GO)))
		}
		p.transfers[name] = t
	}
	if t.bar != nil {
		if total > 0 {
			t.bar.SetTotal(total, false)
		}
		t.bar.SetCurrent(done)
		return
	}
	if time.Since(t.logged) >= logEvery {
		t.logged = time.Now()
		p.log.Info("transfer", "name", name.String(), "bytes", done, "of", total)
	}
}

// end says that all transfers of something have ended, however.
func (p *progress) end(of string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, t := range p.transfers {
		if name.of != of {
			continue
		}
		if t.bar != nil {
			t.bar.Abort(true)
		}
		delete(p.transfers, name)
	}
}

// finish takes all bars down and waits until the terminal is as it was.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.transfers {
		if t.bar != nil {
			t.bar.Abort(true)
		}
	}
	if p.container != nil {
		p.container.Wait()
	}
}
