package client

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/job"
)

// maxLine bounds a line of a stream of events, in bytes. The last event of a job has
// its result.
const maxLine = 64 << 20

// events reads a stream of server-sent events (HTML, section 9.2.6), and calls moved
// for each sign of life. What is incomplete at the end does not count.
func events(r io.Reader, moved func()) iter.Seq2[job.Event, error] {
	return func(yield func(job.Event, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		var e job.Event
		for lines.Scan() {
			name, value, _ := bytes.Cut(lines.Bytes(), []byte{':'})
			value = bytes.TrimPrefix(value, []byte{' '})
			switch string(name) {
			case "id":
				number, err := strconv.ParseInt(string(value), 10, 64)
				if err != nil {
					continue
				}
				e.Number = number
			case "event":
				e.Type = string(value)
			case "at":
				e.At, _ = time.Parse(time.RFC3339Nano, string(value)) // else it is not known
			case "data":
				if e.Data != nil {
					e.Data = append(e.Data, '\n')
				}
				e.Data = append(e.Data, value...)
			case "retry": // comes first on every connection, before anything has moved
				continue
			}
			if len(lines.Bytes()) == 0 && json.Valid(e.Data) {
				if !yield(e, nil) {
					return
				}
			}
			if len(lines.Bytes()) == 0 {
				e = job.Event{}
				continue
			}
			moved()
		}
		if err := lines.Err(); err != nil {
			yield(job.Event{}, err)
		}
	}
}

// ends reports whether an event tells the end of its job.
func ends(e job.Event) bool {
	var told job.Change
	return e.Type == job.StateEvent && json.Unmarshal(e.Data, &told) == nil && told.State.Ended()
}

// progress returns what a progress event says, and whether the event is one.
func progress(e job.Event) (told job.Progress, ok bool) {
	return told, e.Type == job.ProgressEvent && json.Unmarshal(e.Data, &told) == nil
}
