package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
	"github.com/gangway-nfv/gangway/vim"
)

// Launch says what is to be launched where. One of Package and VDUs is set. It is
// plain data.
type Launch struct {
	// Package is an ID, or a name, vendor/name or vendor/name:version.
	Package string   `json:"package,omitempty" doc:"ID, name, vendor/name or vendor/name:version of a package of the project"`
	VDUs    []VDU    `json:"vdus,omitempty" doc:"the VDUs with their images written out, instead of a package"`
	VIMs    []string `json:"vims" minItems:"1" doc:"names of VIMs"`
	DryRun  bool     `json:"dryRun,omitempty" doc:"plan, and change nothing on the VIMs"`
	// RequireDigest and VisibilityFallback are as in [vim.Options].
	RequireDigest      bool   `json:"requireDigest,omitempty" doc:"refuse images on a VIM that are not proven to have the repository's bytes"`
	VisibilityFallback string `json:"visibilityFallback,omitempty" enum:"private" doc:"private: upload privately where publishing is forbidden"`
}

// VDU is a VDU that is written out.
type VDU struct {
	Name string `json:"name" minLength:"1"`
	// Images are alternatives in order of preference, names or IDs.
	Images []string `json:"images" minItems:"1" doc:"names or IDs of images, any of which will do, the preferred ones first"`
	// SoftwareImageID is how the VNFD knows the image; empty means the first of
	// Images.
	SoftwareImageID string `json:"softwareImageId,omitempty" doc:"the vnfdSoftwareImageId in vimAssets; the first of the images if it is left out"`
}

// Launched is what a job was asked to launch. It is plain data, and the payload of the
// job.
type Launched struct {
	Launch
	// Of is the package as it is called, unless the VDUs were written out.
	Of *imagerepo.PackageRef `json:"of,omitempty"`
}

// LaunchedOf returns what a job of the kind launch was asked for, or the zero value
// where its payload is not at hand.
func LaunchedOf(j job.Job) (Launched, error) {
	var l Launched
	if len(j.Payload) == 0 {
		return l, nil
	}
	err := json.Unmarshal(j.Payload, &l)
	return l, err
}

// title says for people what is launched.
func (l Launched) title() string {
	if l.Of != nil {
		return l.Of.String()
	}
	var names []string
	for _, vdu := range l.VDUs {
		names = append(names, vdu.Name)
	}
	return strings.Join(names, ", ")
}

// check returns an *InputError.
func (l Launch) check() error {
	if (l.Package == "") == (len(l.VDUs) == 0) {
		return &InputError{"a launch needs a package, or VDUs that are written out, and not both"}
	}
	if len(l.VIMs) == 0 {
		return &InputError{"a launch needs a VIM"}
	}
	for i, name := range l.VIMs {
		if slices.Contains(l.VIMs[:i], name) {
			return &InputError{fmt.Sprintf("VIM %q is named twice", name)}
		}
	}
	for _, vdu := range l.VDUs {
		if len(vdu.Images) == 0 {
			return &InputError{fmt.Sprintf("VDU %q has no images", vdu.Name)}
		}
	}
	return nil
}

// InputError says what is wrong with what a caller asks for.
type InputError struct{ Reason string }

func (e *InputError) Error() string { return e.Reason }

// Launch starts a launch, whose result is an [onboarding.LaunchReport]. With now it
// begins in this process before Launch returns, and does not wait for a worker; a
// *job.BusyError says that too many have. Else the error says what is wrong with the
// request: it is an *InputError, a *vnfpkg.StateError if the package is DISABLED,
// wraps ErrUnknownVIM or job.ErrKeyReused, or is one of
// [onboarding.Pipeline.FindPackage].
func (s *Service) Launch(ctx context.Context, asked Asked, l Launch, now bool) (job.Job, error) {
	if err := l.check(); err != nil {
		return job.Job{}, err
	}
	launched := Launched{Launch: l}
	var err error
	if launched.Of, err = s.before(ctx, asked, l); err == nil && launched.Of == nil {
		launched.Of, err = s.launchable(ctx, asked.Project, l)
	}
	if err != nil {
		return job.Job{}, err
	}
	if launched.Of != nil {
		launched.Package = launched.Of.ID // which stays what it is
	}
	n := asked.job(KindLaunch, launched.Package, launched.title(), launched)
	if now {
		return s.config.Queue.Start(ctx, n, s.launch)
	}
	return s.config.Queue.Add(ctx, n)
}

// before returns the package that a launch is of which came before with the same key
// and calls it the same, or nil: whoever asks again joins it, whatever became of the
// package since.
func (s *Service) before(ctx context.Context, asked Asked, l Launch) (*imagerepo.PackageRef, error) {
	if asked.Key == "" || l.Package == "" {
		return nil, nil
	}
	there, err := s.config.Queue.List(ctx, job.Filter{Project: asked.Project, Kind: KindLaunch, Key: asked.Key, Limit: 1})
	if err != nil || len(there) == 0 {
		return nil, err
	}
	first, err := LaunchedOf(there[0])
	if err != nil || first.Of == nil || first.Of.ID != l.Package && !first.Of.Called(l.Package) {
		return nil, err
	}
	return first.Of, nil
}

// launchable returns the package that is to be launched, if it is one, and fails if
// that, or one of the VIMs, is not to be had.
func (s *Service) launchable(ctx context.Context, project string, l Launch) (*imagerepo.PackageRef, error) {
	for _, name := range l.VIMs {
		if _, err := s.config.VIMs.Open(name); err != nil {
			return nil, err
		}
	}
	if l.Package == "" {
		return nil, nil
	}
	pkg, err := s.config.Pipeline.FindPackage(ctx, project, l.Package)
	if err != nil {
		return nil, err
	}
	if s.config.Packages != nil {
		if err := s.config.Packages.Launchable(ctx, project, pkg.ID); err != nil {
			return nil, err
		}
	}
	ref := pkg.Ref()
	return &ref, nil
}

// launch is the handler of a launch.
func (s *Service) launch(ctx context.Context, t *job.Task) (any, error) {
	var l Launch
	if err := t.Decode(&l); err != nil {
		return nil, err
	}
	req := onboarding.LaunchRequest{Project: t.Job.Project, Package: l.Package, Options: s.config.Launches}
	req.Options.DryRun, req.Options.RequireDigest, req.Options.VisibilityFallback = l.DryRun, l.RequireDigest, l.VisibilityFallback
	m := &meter{task: t}
	req.Options.Progress = m.told
	req.Options.Log = s.config.Log.With("job", t.Job.ID)
	for _, vdu := range l.VDUs {
		req.VDUs = append(req.VDUs, tosca.VDU{Name: vdu.Name, Images: vdu.Images, SoftwareImageID: vdu.SoftwareImageID})
	}
	for _, name := range l.VIMs {
		cloud, err := s.config.VIMs.Open(name)
		if err != nil {
			return nil, err
		}
		req.VIMs = append(req.VIMs, cloud)
	}
	report, err := s.config.Pipeline.Launch(ctx, req)
	m.end()
	if report.VIMs == nil {
		return nil, err
	}
	if cause := vnfpkg.CauseOf(err); cause == onboarding.CauseLimit || cause == onboarding.CauseSpace {
		report.Cause = cause
	}
	return report, err
}

// meter adds up the uploads of a launch.
type meter struct {
	task *job.Task

	mu      sync.Mutex
	uploads map[string]vim.Progress
	last    job.Progress
}

func (m *meter) told(at vim.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.uploads == nil {
		m.uploads = make(map[string]vim.Progress)
	}
	step := at.VIM + " " + at.Image
	m.uploads[step] = at
	m.last = job.Progress{Step: step}
	for _, name := range slices.Sorted(maps.Keys(m.uploads)) {
		upload := m.uploads[name]
		m.last.Done, m.last.Total = m.last.Done+upload.Done, m.last.Total+upload.Total
		if upload.Done < upload.Total {
			m.last.Parts = append(m.last.Parts, job.Part{At: upload.VIM, What: upload.Image, Done: upload.Done, Total: upload.Total})
		}
	}
	m.task.Report(m.last)
}

// end tells that no upload is under way any more, also where one failed.
func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.Parts != nil {
		m.last.Parts = nil
		m.task.Report(m.last)
	}
}

// Locate asks all VIMs at the same time whether they have the bytes of an image, see
// [onboarding.Pipeline.Locate].
func (s *Service) Locate(ctx context.Context, project, image string) ([]onboarding.Location, error) {
	img, err := s.config.Pipeline.Repository.Find(ctx, project, image)
	if err != nil {
		return nil, err
	}
	var clouds []vim.Cloud
	for _, name := range s.config.VIMs.Names() {
		cloud, err := s.config.VIMs.Open(name)
		if errors.Is(err, ErrUnknownVIM) {
			continue // not any more
		}
		if err != nil {
			return nil, fmt.Errorf("locate image %q: %w", img.Name, err)
		}
		clouds = append(clouds, cloud)
	}
	return s.config.Pipeline.Locate(ctx, img, clouds)
}
