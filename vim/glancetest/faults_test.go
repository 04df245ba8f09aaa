package glancetest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/vim/glancetest"
)

func TestFaultsBefallUploads(t *testing.T) {
	content := strings.Repeat("x", 3<<20)
	for name, tt := range map[string]struct {
		fault  glancetest.Fault
		answer int    // 0 for a broken connection
		status string // of the image afterwards
		bytes  int64  // that the server read
		again  int    // answer to a second upload
	}{
		"a token expires before the body": {glancetest.Fault{Status: 401}, 401, "queued", 0, 204},
		"a token expires in mid-body":     {glancetest.Fault{AfterBytes: 1 << 20, Status: 401}, 401, "queued", 1 << 20, 204},
		"a quota is noticed at the end":   {glancetest.Fault{AfterBytes: glancetest.WholeBody, Status: 413}, 413, "queued", 3 << 20, 204},
		"a connection is cut":             {glancetest.Fault{AfterBytes: 1<<20 + 1, Cut: true}, 0, "queued", 1<<20 + 1, 204},
		"a worker dies":                   {glancetest.Fault{AfterBytes: 1 << 20, Die: true}, 0, "saving", 1 << 20, 409},
		"a worker dies at once":           {glancetest.Fault{AfterBytes: 1, Die: true}, 0, "saving", 1, 409},
		"a hash is wrong":                 {glancetest.Fault{WrongHash: true}, 204, "active", 3 << 20, 409},
		"an answer is lost":               {glancetest.Fault{AfterEffect: true, Cut: true}, 0, "active", 3 << 20, 409},
		"an answer is replaced":           {glancetest.Fault{AfterEffect: true, Status: 503}, 503, "active", 3 << 20, 409},
		"the body is shorter":             {glancetest.Fault{AfterBytes: 4 << 20, Cut: true}, 204, "active", 3 << 20, 409},
		"a slow reader reads all":         {glancetest.Fault{Rate: 60 << 20}, 204, "active", 3 << 20, 409},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, glancetest.Options{})
			tt.fault.Route = glancetest.Upload
			c.Inject(tt.fault)
			// The server may answer and close while the client still sends:
			// then the client sees either.
			answer := c.upload(content)
			if answer != tt.answer && (answer != 0 || tt.fault.AfterBytes == glancetest.WholeBody) {
				t.Errorf("answer %d, want %d", answer, tt.answer)
			}
			if got := c.Stats().BytesReceived; got != tt.bytes {
				t.Errorf("%d bytes received, want %d", got, tt.bytes)
			}
			img := c.image()
			if img.Status != tt.status {
				t.Errorf("status %s, want %s", img.Status, tt.status)
			}
			if again := c.upload(content); again != tt.again {
				t.Errorf("second upload: %d, want %d", again, tt.again)
			}
		})
	}
}

func TestWrongHashIsNotThatOfTheContent(t *testing.T) {
	sums := func(f ...glancetest.Fault) (string, string) {
		c := start(t, glancetest.Options{})
		for _, f := range f {
			c.Inject(f)
		}
		c.upload("content")
		return c.image().Checksum, c.image().HashValue
	}
	checksum, hash := sums()
	wrongChecksum, wrongHash := sums(glancetest.Fault{Route: glancetest.Upload, WrongHash: true})
	if len(wrongHash) != len(hash) || wrongHash == hash || len(wrongChecksum) != len(checksum) || wrongChecksum == checksum {
		t.Errorf("hash %s and %s, checksum %s and %s", hash, wrongHash, checksum, wrongChecksum)
	}
}

func TestFaultBefallsTheRequestsItNames(t *testing.T) {
	c := start(t, glancetest.Options{})
	const show = "/v2/images/" + idA
	list := func() int { status, _, _ := c.send("GET", "/v2/images", nil); return status }
	c.Inject(glancetest.Fault{Route: glancetest.List, Skip: 1, Times: 2, Status: 503, RetryAfter: 1500 * time.Millisecond})
	c.Inject(glancetest.Fault{Region: "RegionTwo", Times: -1, Status: 500})
	c.Inject(glancetest.Fault{Image: "0b000000-0000-4000-8000-000000000000", Times: -1, Status: 500})
	if status, _, _ := c.send("GET", show, nil); status != 200 {
		t.Errorf("another route: %d", status)
	}
	if status := list(); status != 200 {
		t.Errorf("skipped: %d", status)
	}
	status, text, header := c.send("GET", "/v2/images", nil)
	if status != 503 || header.Get("Retry-After") != "2" || !strings.Contains(text, "Service Unavailable") {
		t.Errorf("first: %d, Retry-After %q, %s", status, header.Get("Retry-After"), text)
	}
	if status := list(); status != 503 {
		t.Errorf("second: %d", status)
	}
	if status := list(); status != 200 {
		t.Errorf("used up: %d", status)
	}
	remove := c.Inject(glancetest.Fault{Times: -1, Status: 429, Text: "slow down"})
	if status, text, _ := c.send("GET", show, nil); status != 429 || !strings.Contains(text, "slow down") {
		t.Errorf("all routes: %d %s", status, text)
	}
	remove()
	if status := list(); status != 200 {
		t.Errorf("removed: %d", status)
	}
	if got := c.Stats().Requests[glancetest.List]; got != 5 {
		t.Errorf("%d lists counted, want 5", got)
	}
}

func TestLostAnswerToCreateLeavesTheImage(t *testing.T) {
	c := start(t, glancetest.Options{})
	c.Inject(glancetest.Fault{Route: glancetest.Create, AfterEffect: true, Cut: true})
	const body = `{"id": "0b000000-0000-4000-8000-000000000000"}`
	if status, _, _ := c.send("POST", "/v2/images", strings.NewReader(body)); status != 0 {
		t.Errorf("answered %d", status)
	}
	if status, _, _ := c.send("POST", "/v2/images", strings.NewReader(body)); status != http.StatusConflict {
		t.Errorf("again: %d", status)
	}
}

func TestHookAfterTheEffectLetsTheAnswerPass(t *testing.T) {
	c := start(t, glancetest.Options{})
	const path = "/v2/images/0b000000-0000-4000-8000-000000000000"
	var made bool
	c.Inject(glancetest.Fault{Route: glancetest.Create, AfterEffect: true, Do: func(*http.Request) {
		_, made = c.Glance("").Image(path[len("/v2/images/"):])
	}})
	status, text, header := c.send("POST", "/v2/images", strings.NewReader(`{"id": "0b000000-0000-4000-8000-000000000000"}`))
	if !made || status != http.StatusCreated || !strings.Contains(text, path) || header.Get("Location") != path {
		t.Errorf("made %t, answer %d %s, Location %s", made, status, text, header.Get("Location"))
	}
}

func TestHookActsBeforeTheUploadDecides(t *testing.T) {
	for name, tt := range map[string]struct {
		afterBytes int64
		do         func(*glancetest.Glance)
		answer     int
	}{
		"somebody else is uploading": {0, func(g *glancetest.Glance) {
			img, _ := g.Image(idA)
			img.Status = "saving"
			g.Put(img)
		}, http.StatusConflict},
		"the image is deleted before":      {0, func(g *glancetest.Glance) { g.Delete(idA) }, http.StatusNotFound},
		"the image is deleted in mid-body": {1, func(g *glancetest.Glance) { g.Delete(idA) }, http.StatusGone},
		"the image is deleted at the end":  {glancetest.WholeBody, func(g *glancetest.Glance) { g.Delete(idA) }, http.StatusGone},
		"the image goes active by itself": {glancetest.WholeBody, func(g *glancetest.Glance) {
			img, _ := g.Image(idA)
			img.Status = "active"
			g.Put(img)
		}, http.StatusGone},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, glancetest.Options{})
			c.Inject(glancetest.Fault{Route: glancetest.Upload, AfterBytes: tt.afterBytes, Do: func(*http.Request) { tt.do(c.Glance("")) }})
			if answer := c.upload("content"); answer != tt.answer {
				t.Errorf("answer %d, want %d", answer, tt.answer)
			}
		})
	}
}

func TestOneOfManyUploadsWins(t *testing.T) {
	c := start(t, glancetest.Options{})
	const clients = 8
	var together, done sync.WaitGroup
	together.Add(clients)
	c.Inject(glancetest.Fault{Route: glancetest.Upload, Times: -1, Do: func(*http.Request) {
		together.Done()
		together.Wait()
	}})
	var won, lost atomic.Int32
	for range clients {
		done.Go(func() {
			switch c.upload("content") {
			case http.StatusNoContent:
				won.Add(1)
			case http.StatusConflict:
				lost.Add(1)
			}
		})
	}
	done.Wait()
	if won.Load() != 1 || lost.Load() != clients-1 {
		t.Errorf("%d won and %d lost of %d", won.Load(), lost.Load(), clients)
	}
	if s := c.Stats(); s.UploadsStarted != 1 || s.UploadsFinished != 1 {
		t.Errorf("%d uploads started and %d finished", s.UploadsStarted, s.UploadsFinished)
	}
}

func TestHangingRequestEndsWithItsServer(t *testing.T) {
	c := start(t, glancetest.Options{})
	hanging := make(chan struct{}, 2)
	reached := func(*http.Request) { hanging <- struct{}{} }
	c.Inject(glancetest.Fault{Route: glancetest.List, Do: reached, Hang: true})
	c.Inject(glancetest.Fault{Route: glancetest.Upload, AfterBytes: 1, Do: reached, Hang: true})
	answers := make(chan int, 2)
	go func() { status, _, _ := c.send("GET", "/v2/images", nil); answers <- status }()
	go func() { answers <- c.upload("content") }()
	<-hanging
	<-hanging
	c.Server.Close()
	if a, b := <-answers, <-answers; a != 0 || b != 0 {
		t.Errorf("answered %d and %d", a, b)
	}
	if img := c.image(); img.Status != "queued" {
		t.Errorf("status %s", img.Status)
	}
}

func TestHangingRequestEndsWithItsClient(t *testing.T) {
	c := start(t, glancetest.Options{})
	ctx, leave := context.WithCancel(t.Context())
	over := make(chan struct{})
	c.Inject(glancetest.Fault{Route: glancetest.List, Do: func(r *http.Request) {
		leave()
		context.AfterFunc(r.Context(), func() { close(over) })
	}, Hang: true})
	req, err := http.NewRequestWithContext(ctx, "GET", c.Glance("").URL+"/v2/images", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := c.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("answered %s", resp.Status)
	}
	<-over
}

func TestRateAndDelayTakeTheirTime(t *testing.T) {
	c := start(t, glancetest.Options{})
	c.Inject(glancetest.Fault{Route: glancetest.Upload, Rate: 1 << 20})
	c.Inject(glancetest.Fault{Route: glancetest.List, Delay: 50 * time.Millisecond})
	begin := time.Now()
	c.send("PUT", "/v2/images/"+idA+"/file", io.LimitReader(zeros{}, 100<<10))
	if took := time.Since(begin); took < 95*time.Millisecond {
		t.Errorf("100 KiB at 1 MiB a second took %v", took)
	}
	begin = time.Now()
	c.send("GET", "/v2/images", nil)
	if took := time.Since(begin); took < 50*time.Millisecond {
		t.Errorf("a list with a delay of 50 ms took %v", took)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
