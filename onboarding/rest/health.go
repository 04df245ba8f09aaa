package rest

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Check is something that the server needs to do its work.
type Check struct {
	Name string
	Ask  func(context.Context) error
}

// checkTime bounds how long the checks together may take.
const checkTime = 5 * time.Second

// Health returns the door of /healthz, which tells that the process answers, and
// /readyz, which asks whether all that it needs is there. What is wrong is logged,
// and told only by name: the routes are public.
func Health(checks ...Check) Door {
	return Door{Name: "health", Quiet: true, Routes: []Route{
		{Method: http.MethodGet, Pattern: "/healthz", Need: Public, Handler: http.HandlerFunc(healthy)},
		{Method: http.MethodGet, Pattern: "/readyz", Need: Public, Handler: ready(checks)},
	}}
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func ready(checks []Check) HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), checkTime)
		defer cancel()
		var failing []string
		for _, check := range checks {
			if err := check.Ask(ctx); err != nil {
				failing = append(failing, check.Name)
				if at := exchangeOf(r.Context()); at != nil {
					at.err = err
				}
			}
		}
		if len(failing) > 0 {
			return Errorf(http.StatusServiceUnavailable, "not ready: %s", strings.Join(failing, ", "))
		}
		WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
		return nil
	}
}
