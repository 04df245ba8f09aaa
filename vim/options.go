package vim

import (
	"cmp"
	"log/slog"
	"time"
)

// Options say how to launch. The zero value works.
type Options struct {
	// DryRun plans and changes nothing.
	DryRun bool
	// RequireDigest makes an error of every image that the repository holds
	// and that is not proven to be the same on the VIM.
	RequireDigest bool
	// VisibilityFallback is the visibility of an image that should be public
	// where the user may not publish: "private", or empty to fail.
	VisibilityFallback string

	// Uploads bounds how many uploads run at once. The default is 4.
	Uploads int
	// UploadsPerVIM bounds how many of them go to one VIM. The default is 2.
	UploadsPerVIM int
	// Attempts bounds how often one upload is begun. The default is 5.
	Attempts int

	// Beat is how often an uploader shows that it is alive. The default is 3 s.
	Beat time.Duration
	// StallAfter is how long an upload by somebody else may stand still before
	// it is taken over; it must be several times Beat. The default is 60 s.
	StallAfter time.Duration
	// Poll is the first pause between looks at an image that somebody else
	// uploads; it doubles up to eight times itself. The default is 250 ms.
	Poll time.Duration
	// RetryAfterMax caps the pause that a VIM may ask for between attempts. The
	// default is 30 s.
	RetryAfterMax time.Duration
	// Cleanup is how long deleting our record after a failure may take, also
	// when the launch was cancelled. The default is 30 s.
	Cleanup time.Duration

	// Progress is told how uploads advance, from many goroutines and often; it
	// must not block. It may be nil.
	Progress func(Progress)
	// Log is where steps are logged. The default is nowhere.
	Log *slog.Logger
}

// Progress is how far one upload is. Done falls back to zero when an upload
// has to begin again.
type Progress struct {
	VIM   string
	Image string // name
	Done  int64  // bytes
	Total int64  // bytes
}

func (o Options) withDefaults() Options {
	o.Uploads = cmp.Or(o.Uploads, 4)
	o.UploadsPerVIM = cmp.Or(o.UploadsPerVIM, 2)
	o.Attempts = cmp.Or(o.Attempts, 5)
	o.Beat = cmp.Or(o.Beat, 3*time.Second)
	o.StallAfter = cmp.Or(o.StallAfter, time.Minute)
	o.Poll = cmp.Or(o.Poll, 250*time.Millisecond)
	o.RetryAfterMax = cmp.Or(o.RetryAfterMax, 30*time.Second)
	o.Cleanup = cmp.Or(o.Cleanup, 30*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
