package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// startBrowser starts a Chromium without a window, for as long as the test runs.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the page's tests need chromium")
		}
		t.Skip("the page's tests need chromium")
	}
	alloc, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(within),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(alloc)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil {
			t.Errorf("chromium: %v", err)
		}
		cancel()
	})
	return browser
}

// page is a tab, with cookies and a storage of its own, and somebody who looks at it
// and finds things by what they are and what they are called.
type page struct {
	t   *testing.T
	ctx context.Context
	mu  sync.Mutex
	// console is what the page and the browser complained about.
	console []string
	allowed []string
	chooser chan cdp.BackendNodeID
}

// open opens an address in a new tab. What the browser complains about fails the test,
// unless it has one of the allowed texts.
func open(t *testing.T, browser context.Context, address string, allowed ...string) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	p := &page{t: t, ctx: ctx, allowed: append(allowed, "status of 401"), chooser: make(chan cdp.BackendNodeID, 1)}
	t.Cleanup(func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, line := range p.console {
			if !slices.ContainsFunc(p.allowed, func(text string) bool { return strings.Contains(line, text) }) {
				t.Errorf("the browser complained: %s", line)
			}
		}
	})
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	do(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	do(p, cdppage.SetInterceptFileChooserDialog, cdppage.SetInterceptFileChooserDialogParams{Enabled: true})
	p.size(1440, 900)
	p.run("open "+address, chromedp.Navigate(address))
	return p
}

func (p *page) hear(event any) {
	var line string
	switch event := event.(type) {
	case *runtime.EventConsoleAPICalled:
		args, _ := json.Marshal(event.Args)
		line = fmt.Sprintf("console.%s %s", event.Type, args)
	case *runtime.EventExceptionThrown:
		thrown, _ := json.Marshal(event.ExceptionDetails)
		line = "exception " + string(thrown)
	case *log.EventEntryAdded:
		if event.Entry.Level != log.EntryLevelError && event.Entry.Source != log.EntrySourceSecurity {
			return
		}
		line = fmt.Sprintf("%s %s %s", event.Entry.Source, event.Entry.Text, event.Entry.URL)
	case *cdppage.EventFileChooserOpened:
		p.chooser <- event.BackendNodeID
		return
	case *cdppage.EventJavascriptDialogOpening: // leaving although an upload is under way
		go func() {
			_, _ = chromedp.Call(p.ctx, cdppage.HandleJavaScriptDialog, cdppage.HandleJavaScriptDialogParams{Accept: true})
		}()
		return
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.console = append(p.console, line)
}

// fail ends the test with what the page shows.
func (p *page) fail(format string, args ...any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	shown, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	if err != nil {
		shown = err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Fatalf("%s\nThe page shows:\n%s\nThe console says:\n%s", fmt.Sprintf(format, args...), shown, strings.Join(p.console, "\n"))
}

// do sends a command of the DevTools protocol.
func do[P, R any](p *page, command cdp.Command[P, R], params P) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		p.fail("%T: %v", params, err)
	}
}

func (p *page) run(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.fail("%s: %v", what, err)
	}
}

func (p *page) size(width, height int64) {
	p.t.Helper()
	do(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

// until waits until done. Its errors are those of a page that is just changing.
func (p *page) until(what string, done func(context.Context) (bool, error)) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		is, err := done(ctx)
		if is && err == nil {
			return
		}
		select {
		case <-ctx.Done():
			p.fail("%s: not within %v (%v)", what, within, err)
		case <-again.C:
		}
	}
}

// script is an expression in which each %s stands for a value.
func script(expression string, values ...any) string {
	args := make([]any, len(values))
	for i, value := range values {
		text, _ := json.Marshal(value)
		args[i] = string(text)
	}
	return fmt.Sprintf(expression, args...)
}

// value is that of an expression in the page.
func value[T any](p *page, expression string, values ...any) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script(expression, values...)))
	if err != nil {
		p.fail("%s: %v", expression, err)
	}
	return v
}

// holds waits until an expression is true.
func (p *page) holds(expression string, values ...any) {
	p.t.Helper()
	expression = script(expression, values...)
	p.until(expression, func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
	})
}

// sees waits until all of the texts are on the page.
func (p *page) sees(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.until(fmt.Sprintf("to see %q", text), func(ctx context.Context) (bool, error) {
			return chromedp.Run(ctx, chromedp.Evaluate[bool](script("document.body.innerText.includes(%s)", text)))
		})
	}
}

// misses waits until none of the texts is on the page.
func (p *page) misses(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.until(fmt.Sprintf("to see %q no more", text), func(ctx context.Context) (bool, error) {
			return chromedp.Run(ctx, chromedp.Evaluate[bool](script("!document.body.innerText.includes(%s)", text)))
		})
	}
}

// found returns the things of a role and a name that somebody who hears or sees the
// page can reach now. An empty name means any.
func (p *page) found(ctx context.Context, role, name string) ([]*accessibility.Node, error) {
	root, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	if err != nil {
		return nil, err
	}
	if root.Result == nil {
		return nil, fmt.Errorf("no document")
	}
	all, err := chromedp.Call(ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{ObjectID: root.Result.ObjectID, Role: role, AccessibleName: name})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all.Nodes, func(n *accessibility.Node) bool { return n.Ignored }), nil
}

// has says whether there is something of a role and a name.
func (p *page) has(role, name string) bool {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	nodes, err := p.found(ctx, role, name)
	if err != nil {
		p.fail("%s %q: %v", role, name, err)
	}
	return len(nodes) > 0
}

// on waits for something of a role and a name, and calls a function in the page whose
// this it is, until that returns something.
func on[T any](p *page, role, name, function string, args ...any) (result T) {
	p.t.Helper()
	p.until(fmt.Sprintf("%s %q", role, name), func(ctx context.Context) (bool, error) {
		nodes, err := p.found(ctx, role, name)
		if err != nil || len(nodes) == 0 {
			return false, err
		}
		object, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: nodes[0].BackendDOMNodeID})
		if err != nil {
			return false, err
		}
		returned, err := chromedp.Run(ctx, chromedp.CallFunctionOn[*T](function, func(params *runtime.CallFunctionOnParams) {
			params.ObjectID = object.Object.ObjectID
		}, args...))
		if err != nil || returned == nil {
			return false, err
		}
		result = *returned
		return true, nil
	})
	return result
}

// click clicks with the mouse on what is in sight there.
func (p *page) click(role, name string) {
	p.t.Helper()
	at := on[[]float64](p, role, name, `function() {
		this.scrollIntoView({ block: "center", inline: "center" });
		const box = this.getClientRects()[0];
		if (!box || this.disabled) return null;
		const at = [box.x + box.width / 2, box.y + box.height / 2];
		const hit = document.elementFromPoint(...at);
		return hit && (this.contains(hit) || hit.contains(this)) ? at : null;
	}`)
	p.run("click on "+name, chromedp.MouseClickXY(at[0], at[1]))
}

// write replaces the text of a field.
func (p *page) write(role, name, text string) {
	p.t.Helper()
	on[bool](p, role, name, `function() { this.focus(); this.select(); return document.activeElement === this || null; }`)
	do(p, input.InsertText, input.InsertTextParams{Text: text})
}

// pick chooses what a list offers.
func (p *page) pick(name, option string) {
	p.t.Helper()
	on[bool](p, "combobox", name, `function(option) {
		const chosen = [...this.options].find((o) => o.label === option);
		if (!chosen) return null;
		this.value = chosen.value;
		this.dispatchEvent(new Event("change", { bubbles: true }));
		return true;
	}`, option)
}

func (p *page) press(keys string, options ...chromedp.KeyOption) {
	p.t.Helper()
	p.run("keys", chromedp.KeyEvent(keys, options...))
}

// choose clicks on what asks for files, and gives it these.
func (p *page) choose(name string, files ...string) {
	p.t.Helper()
	p.click("button", name)
	select {
	case asking := <-p.chooser:
		do(p, dom.SetFileInputFiles, dom.SetFileInputFilesParams{BackendNodeID: asking, Files: files})
	case <-time.After(within):
		p.fail("%s asks for no files", name)
	}
}

// drop drops files on the page, as from a file manager.
func (p *page) drop(files ...string) {
	p.t.Helper()
	data := &input.DragData{Items: []*input.DragDataItem{}, Files: files, DragOperationsMask: 1}
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		do(p, input.DispatchDragEvent, input.DispatchDragEventParams{Type: kind, X: 700, Y: 450, Data: data})
	}
}

// logIn begins a session with a token.
func (p *page) logIn(token string) {
	p.t.Helper()
	p.write("textbox", "Token", token)
	p.click("button", "Log in")
	p.sees("Log out")
}

// jobs goes to the jobs, whose link tells how many there are, too.
func (p *page) jobs() {
	p.t.Helper()
	p.run("go to the jobs", chromedp.Click(chromedp.CSS(`nav a[href$="/jobs"]`)))
}
