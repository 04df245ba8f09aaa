package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// keepAlive is how long a stream of events may be silent: proxies cut connections
// on which nothing moves.
const keepAlive = 15 * time.Second

// events describes an operation that answers with events.
func events(id string, tags []string, of string) huma.Operation {
	return huma.Operation{
		OperationID: id, Tags: tags, Summary: "Watch a " + of,
		Description: "Answers with the " + of + "'s events as they come, as server-sent events: state (its data is {state, attempt, error, result}) and " +
			"progress ({step, done, total, parts} in bytes). The field at of an event, which readers that do not know it pass over, is its time. The stream ends after the event that tells the end; who asks again after that gets 204.",
		Responses: map[string]*huma.Response{
			"200": {Description: "The events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}}},
			"204": {Description: "There are no more events"},
		},
	}
}

type watch struct {
	AtJob
	LastEventID int64 `header:"Last-Event-ID" minimum:"0" doc:"the number of the last event that the client has seen"`
}

func (d *door) watchJob(ctx context.Context, in *watch) (*huma.StreamResponse, error) {
	j, err := d.job(ctx, in.Job)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		if j.State.Ended() && in.LastEventID >= j.Events {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method == http.MethodHead {
			return
		}
		d.stream(r.Context(), w, j.ID, in.LastEventID)
	}}, nil
}

// stream writes the events of a job after a number until it has ended, the client
// is gone, or the server stops.
func (d *door) stream(ctx context.Context, w http.ResponseWriter, id string, after int64) {
	ctx, cancel := rest.UntilStopping(ctx)
	told := make(chan job.Event)
	go func() {
		defer close(told)
		for event, err := range d.Queue.Watch(ctx, id, after) {
			if err != nil {
				return // the client asks again for what comes after its last event
			}
			select {
			case told <- event:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() {
		cancel()
		for range told { // until the goroutine has ended
		}
	}()
	quiet := time.NewTicker(keepAlive)
	defer quiet.Stop()
	_, err := io.WriteString(w, "retry: 2000\n\n")
	for err == nil {
		if err = http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case event, more := <-told:
			if !more {
				return
			}
			quiet.Reset(keepAlive)
			err = writeEvent(w, event)
		case <-quiet.C:
			_, err = io.WriteString(w, ": still here\n\n")
		}
	}
}

func writeEvent(w io.Writer, event job.Event) error {
	var line bytes.Buffer // a line break would end the data
	if err := json.Compact(&line, event.Data); err != nil {
		return err
	}
	// A field that a reader does not know is passed over (HTML, section 9.2.6).
	_, err := fmt.Fprintf(w, "id: %d\nevent: %s\nat: %s\ndata: %s\n\n", event.Number, event.Type, event.At.UTC().Format(time.RFC3339Nano), line.Bytes())
	return err
}
