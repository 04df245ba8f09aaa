package operation

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
)

// Image says what image to add from a URL. It is plain data, and the payload of a
// job.
type Image struct {
	Name            string            `json:"name" minLength:"1" maxLength:"255"`
	URL             string            `json:"url" format:"uri" doc:"http or https"`
	DiskFormat      string            `json:"diskFormat,omitempty" doc:"as Glance spells it; found from the bytes if it is left out"`
	ContainerFormat string            `json:"containerFormat,omitempty" doc:"as Glance spells it; bare if it is left out"`
	MinDisk         int64             `json:"minDisk,omitempty" minimum:"0" doc:"GB"`
	MinRAM          int64             `json:"minRam,omitempty" minimum:"0" doc:"MB"`
	MinCPU          int64             `json:"minCPU,omitempty" minimum:"0"`
	IsPublic        bool              `json:"isPublic,omitempty" doc:"publish the image on VIMs"`
	Digests         imagerepo.Digests `json:"digests,omitempty" doc:"expected digests in hex, by algorithm"`
	// OnConflict and Images are as in [onboarding.Options].
	OnConflict onboarding.Conflict  `json:"onConflict,omitempty" enum:"reject,keep" doc:"when the name belongs to other bytes"`
	Images     onboarding.URLImages `json:"images,omitempty" enum:"fetch,reference" doc:"reference: store the URL only, and fetch it at the first launch"`
}

// AddImage has an image fetched from a URL, which must pass the source guard. The
// result of the job is an [onboarding.Report]. The error is an *InputError or one of
// [fetch.Client.Check], or wraps job.ErrKeyReused.
func (s *Service) AddImage(ctx context.Context, asked Asked, img Image) (job.Job, error) {
	if err := s.config.Pipeline.Fetch.Check(img.URL); err != nil {
		return job.Job{}, err
	}
	if u, err := url.Parse(img.URL); err == nil && u.User != nil {
		return job.Job{}, &InputError{"the URL has a user or password, which would be stored with the image: leave them out, and have the " +
			"server's operator put them under credentials in its configuration"}
	}
	for algorithm := range img.Digests {
		if _, known := imagerepo.Algorithm(algorithm); !known {
			return job.Job{}, &InputError{fmt.Sprintf("digest algorithm %q is not one of %q", algorithm, imagerepo.Algorithms())}
		}
	}
	return s.config.Queue.Add(ctx, asked.job(KindImage, img.Name, img.Name, img))
}

// addImage is the handler of an image that is fetched.
func (s *Service) addImage(ctx context.Context, t *job.Task) (any, error) {
	var img Image
	if err := t.Decode(&img); err != nil {
		return nil, err
	}
	description := tosca.ImageDescription{
		Name: img.Name, URL: img.URL, DiskFormat: img.DiskFormat, ContainerFormat: img.ContainerFormat,
		MinDisk: img.MinDisk, MinRAM: img.MinRAM, MinCPU: img.MinCPU, IsPublic: img.IsPublic,
	}
	for algorithm, digest := range img.Digests {
		if description.Digests == nil {
			description.Digests = make(map[string]string)
		}
		canonical, _ := imagerepo.Algorithm(algorithm)
		description.Digests[canonical] = strings.ToLower(digest)
	}
	spend, done, err := s.spending(ctx, t.Job.Project)
	if err != nil {
		report := onboarding.FailedReport(img.Name, err)
		err = vnfpkg.Tell(s.config.Log, t.Job.ID, &report, err)
		return report, bounded(err)
	}
	defer done()
	report, err := s.config.Pipeline.Add(ctx, onboarding.AddRequest{Description: description, Spend: spend, Options: onboarding.Options{
		Project: t.Job.Project, OnConflict: img.OnConflict, Images: img.Images,
		Progress: func(at onboarding.Progress) {
			t.Report(job.Progress{Step: at.Image, Done: at.Done, Total: at.Total})
		},
	}})
	if err == nil && report.Status == onboarding.Rejected {
		err = job.Permanent(&RejectedError{report})
	}
	err = vnfpkg.Tell(s.config.Log, t.Job.ID, &report, err)
	return report, bounded(err)
}

// spending returns what is told how many bytes an image has, and ends it where it would
// be larger than an image may be, or its project.
func (s *Service) spending(ctx context.Context, project string) (spend func(total int64) error, done func(), err error) {
	ofProject, done := func(int64) error { return nil }, func() {}
	if s.config.Packages != nil {
		admission, err := s.config.Packages.Reserve(ctx, project, -1)
		if err != nil {
			return nil, nil, err
		}
		ofProject, done = admission.Spend, admission.Close
	}
	return func(total int64) error {
		if s.config.MaxImage > 0 && total > s.config.MaxImage {
			return &vnfpkg.TooLargeError{Limit: s.config.MaxImage, Image: true}
		}
		return ofProject(total)
	}, done, nil
}

// bounded makes the end of a job of an error that says that there is no room.
func bounded(err error) error {
	_, large := errors.AsType[*vnfpkg.TooLargeError](err)
	_, quota := errors.AsType[*vnfpkg.QuotaError](err)
	if large || quota {
		return job.Permanent(err)
	}
	return err
}

// RejectedError says that what was to be added is at fault. The report has the
// findings.
type RejectedError struct{ Report onboarding.Report }

func (e *RejectedError) Error() string {
	for _, f := range e.Report.Findings {
		if f.Severity == tosca.Error {
			return f.Message
		}
	}
	return string(e.Report.Status)
}
