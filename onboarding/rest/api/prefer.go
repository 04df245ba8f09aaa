package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// Prefer is the header by which a client says how long it waits (RFC 7240).
type Prefer struct {
	Wait string `header:"Prefer" doc:"wait=SECONDS waits for the outcome, respond-async does not"`
}

// preference is what the header says.
type preference struct {
	async bool
	wait  time.Duration // negative: not said
}

func preferred(ctx context.Context) preference {
	p := preference{wait: -1}
	for _, line := range requestOf(ctx).Header.Values("Prefer") {
		for token := range strings.SplitSeq(line, ",") {
			token, _, _ = strings.Cut(token, ";") // parameters
			name, value, _ := strings.Cut(token, "=")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "respond-async":
				p.async = true
			case "wait":
				if seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31); err == nil {
					p.wait = time.Duration(seconds) * time.Second
				}
			}
		}
	}
	return p
}

// applied is the Preference-Applied header of an answer.
func (p preference) applied() string {
	switch {
	case p.wait >= 0:
		return "wait=" + strconv.Itoa(int(p.wait/time.Second))
	case p.async:
		return "respond-async"
	}
	return ""
}

// ended waits for the end of a job, for as long as is said; a negative time means
// without a limit. It reports whether the job has ended.
func (d *door) ended(ctx context.Context, j job.Job, wait time.Duration) (job.Job, bool, error) {
	ctx, cancel := rest.UntilStopping(ctx)
	defer cancel()
	if wait >= 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, wait, errWaited)
		defer stop()
	}
	last, err := d.Queue.Wait(ctx, j.ID)
	switch {
	case err == nil:
		return last, true, nil
	case errors.Is(context.Cause(ctx), errWaited):
		return j, false, nil
	case errors.Is(err, job.ErrStopping), errors.Is(context.Cause(ctx), rest.ErrStopping):
		p := rest.ProblemOf(rest.ErrStopping)
		p.Detail = "the server stops; what was begun goes on, see Location"
		p.Header.Set("Location", address(ctx, "jobs", j.ID))
		return j, false, p
	}
	return j, false, err
}

var errWaited = errors.New("waited for as long as was asked for")

// accepted is the answer about a job that was begun, or its outcome.
type accepted struct {
	Status            int
	Location          string `header:"Location"`
	PreferenceApplied string `header:"Preference-Applied"`
	Body              any
}

func (d *door) accept(ctx context.Context, collection, id string, p preference, body any) *accepted {
	return &accepted{Status: http.StatusAccepted, Location: address(ctx, collection, id), PreferenceApplied: p.applied(), Body: body}
}
