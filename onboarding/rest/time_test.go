package rest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network, so that tests can have its time for
// themselves.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// running serves a door in a bubble of synctest. It returns a connection, and a
// function that stops the server and returns its error.
func running(t *testing.T, door Door) (net.Conn, func() error) {
	t.Helper()
	f := &fixture{}
	s, err := New([]Door{door}, f.options())
	if err != nil {
		t.Fatal(err)
	}
	listener := newPipes()
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	conn := listener.dial()
	return conn, func() error {
		stop()
		return <-served
	}
}

func route(method string, handler HandlerFunc) Door {
	return Door{Name: "x", Routes: []Route{{Method: method, Pattern: "/x", Need: Public, Handler: handler}}}
}

// receive reads a request's body and answers with its size.
func receive(w http.ResponseWriter, r *http.Request) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.Repeat("x", len(text)))
	return err
}

func answerOn(t *testing.T, conn net.Conn) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func TestABodyThatMovesIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, stop := running(t, route("PUT", receive))
		send(t, conn, "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n")
		for range 200 {
			time.Sleep(50 * time.Second)
			send(t, conn, "x")
		}
		if resp, text := answerOn(t, conn); resp.StatusCode != 200 || len(text) != 200 {
			t.Errorf("answer %d %q", resp.StatusCode, text)
		}
		conn.Close()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestABodyThatStandsStillIsCut(t *testing.T) {
	for name, handler := range map[string]HandlerFunc{
		"when the handler reads it": receive,
		"when the handler does not": func(http.ResponseWriter, *http.Request) error {
			return Errorf(http.StatusRequestTimeout, "as if it had read")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, stop := running(t, route("PUT", handler))
				send(t, conn, "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\nsome")
				begun := time.Now()
				resp, _ := answerOn(t, conn)
				if took := time.Since(begun); resp.StatusCode != http.StatusRequestTimeout || took < 50*time.Second || took > time.Minute {
					t.Errorf("answer %d after %s", resp.StatusCode, took)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What a handler waits for says no more than that the context has ended.
func TestWhoseRequestIsEndedByAnotherIsToldWhy(t *testing.T) {
	for name, test := range map[string]struct {
		why    error
		status int
	}{
		"by another request": {Errorf(http.StatusConflict, "somebody else needs it"), http.StatusConflict},
		"by a server":        {ErrStopping, http.StatusServiceUnavailable},
		"for what is unsaid": {errors.New("secret"), http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, route("GET", func(_ http.ResponseWriter, r *http.Request) error {
				Interrupter(r.Context())(test.why)
				return fmt.Errorf("catalogue: %w", r.Context().Err())
			}))
			resp, text := f.do(t, "GET", "/x")
			if resp.StatusCode != test.status || strings.Contains(text, "secret") {
				t.Fatalf("answer %s %q, want %d", resp.Status, text, test.status)
			}
			problemIn(t, resp, text)
		})
	}
}

func TestAReadThatWaitsEndsWithItsRequest(t *testing.T) {
	why := errors.New("somebody else needs it")
	for name, http2 := range map[string]bool{"in HTTP/1.1": false, "in HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 1)
			s, err := New([]Door{route("PUT", func(w http.ResponseWriter, r *http.Request) error {
				if _, err := io.ReadFull(r.Body, make([]byte, 4)); err != nil {
					return err
				}
				time.AfterFunc(0, func() { Interrupter(r.Context())(why) })
				_, err := r.Body.Read(make([]byte, 1))
				failed <- errors.Join(err, context.Cause(r.Context()))
				return Errorf(http.StatusConflict, "%v", err)
			})}, (&fixture{}).options())
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewUnstartedServer(s)
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			body, sender := io.Pipe()
			var sending sync.WaitGroup
			defer sending.Wait()
			defer body.Close()
			sending.Go(func() { _, _ = io.WriteString(sender, "some") })
			req, err := http.NewRequestWithContext(t.Context(), "PUT", server.URL+"/x", body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusConflict || resp.ProtoMajor == 2 != http2 {
				t.Errorf("answer %s in %s", resp.Status, resp.Proto)
			}
			if err := <-failed; err.Error() != why.Error()+"\n"+why.Error() {
				t.Errorf("reading failed with %v", err)
			}
		})
	}
}

func TestAnAnswerThatNobodyTakesIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Duration, 1)
		conn, stop := running(t, route("GET", func(w http.ResponseWriter, _ *http.Request) error {
			begun := time.Now()
			_, err := io.Copy(w, io.LimitReader(endless{}, 1<<30))
			ended <- time.Since(begun)
			return err
		}))
		send(t, conn, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
		if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if took := <-ended; took > 70*time.Second {
			t.Errorf("the handler ended after %s", took)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestEventsMayBeHoursApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, stop := running(t, route("GET", func(w http.ResponseWriter, _ *http.Request) error {
			for range 3 {
				time.Sleep(time.Hour)
				_, _ = io.WriteString(w, "event\n")
				if err := http.NewResponseController(w).Flush(); err != nil {
					return err
				}
			}
			return nil
		}))
		send(t, conn, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
		if _, text := answerOn(t, conn); text != "event\nevent\nevent\n" {
			t.Errorf("answer %q", text)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestStopping(t *testing.T) {
	wait := func(_ http.ResponseWriter, r *http.Request) error {
		ctx, cancel := UntilStopping(r.Context())
		defer cancel()
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for name, test := range map[string]struct {
		handler HandlerFunc
		status  int
		after   time.Duration
	}{
		"a request that waits is told at once":   {wait, 503, 0},
		"a request that ends in time is let end": {func(http.ResponseWriter, *http.Request) error { time.Sleep(20 * time.Second); return nil }, 200, 20 * time.Second},
		"a request that does not is cut": {func(_ http.ResponseWriter, r *http.Request) error {
			<-r.Context().Done()
			return r.Context().Err()
		}, 503, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, stop := running(t, route("GET", test.handler))
				send(t, conn, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
				synctest.Wait()
				begun := time.Now()
				stopped := make(chan error, 1)
				go func() { stopped <- stop() }()
				resp, _ := answerOn(t, conn)
				if took := time.Since(begun); resp.StatusCode != test.status || took != test.after {
					t.Errorf("answer %d after %s, want %d after %s", resp.StatusCode, took, test.status, test.after)
				}
				if err := <-stopped; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAnUploadIsCutWhenTheGraceIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failed error
		conn, stop := running(t, route("PUT", func(w http.ResponseWriter, r *http.Request) error {
			failed = receive(w, r)
			return failed
		}))
		send(t, conn, "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n")
		var sending sync.WaitGroup
		defer sending.Wait()
		sending.Go(func() {
			for {
				if _, err := io.WriteString(conn, "x"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		synctest.Wait()
		begun := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); !errors.Is(failed, ErrStopping) || took > 31*time.Second {
			t.Errorf("stopped after %s, the upload with %v", took, failed)
		}
	})
}
