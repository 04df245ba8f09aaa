package main

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
)

// localRepository is the repository in the home.
type localRepository struct {
	*onboarding.Pipeline
	project string
}

func (l localRepository) URLSource(url string) onboarding.Source {
	return onboarding.URLSource(url, l.Fetch)
}

func (l localRepository) Packages(ctx context.Context) iter.Seq2[view.Package, error] {
	return func(yield func(view.Package, error) bool) {
		for pkg, err := range l.Repository.Catalog().Packages(ctx, imagerepo.PackageFilter{Project: l.project}) {
			if !yield(view.NewPackage(pkg, nil), err) || err != nil {
				return
			}
		}
	}
}

func (l localRepository) Package(ctx context.Context, called string) (view.Package, error) {
	pkg, err := l.FindPackage(ctx, l.project, called)
	if err != nil {
		return view.Package{}, err
	}
	files, err := l.Repository.Catalog().PackageFiles(ctx, pkg.ID)
	return view.NewPackage(pkg, files), err
}

func (l localRepository) DeletePackage(ctx context.Context, called string, keepImages bool) (view.Deleted, error) {
	pkg, err := l.FindPackage(ctx, l.project, called)
	if err != nil {
		return view.Deleted{}, err
	}
	pkg, images, err := l.Repository.DeletePackage(ctx, pkg.ID, keepImages)
	return view.NewDeleted(pkg, images), err
}

func (l localRepository) DeletedWith(ctx context.Context, called string, keepImages bool) (view.Deleted, error) {
	pkg, err := l.FindPackage(ctx, l.project, called)
	if err != nil {
		return view.Deleted{}, err
	}
	pkg, images, err := l.Repository.DeletedWith(ctx, pkg.ID, keepImages)
	return view.NewDeleted(pkg, images), err
}

// view is the view of an image on this machine.
func (l localRepository) view(img imagerepo.Image) view.Image {
	shown := view.NewImage(img)
	if img.Stored() {
		shown.File = l.Repository.Location(img.ID)
	}
	return shown
}

func (l localRepository) Images(ctx context.Context) iter.Seq2[view.Image, error] {
	return func(yield func(view.Image, error) bool) {
		for img, err := range l.Repository.Catalog().Images(ctx, imagerepo.ImageFilter{Project: l.project}) {
			if !yield(l.view(img), err) || err != nil {
				return
			}
		}
	}
}

func (l localRepository) Image(ctx context.Context, called string) (view.Image, error) {
	img, err := l.Repository.Find(ctx, l.project, called)
	return l.view(img), err
}

func (l localRepository) AddImage(ctx context.Context, req onboarding.AddRequest) (onboarding.Report, error) {
	return l.Add(ctx, req)
}

func (l localRepository) DeleteImage(ctx context.Context, called string, force bool) (imagerepo.ImageRef, error) {
	img, err := l.Repository.Find(ctx, l.project, called)
	if err == nil {
		img, err = l.Repository.DeleteImage(ctx, img.ID, force)
	}
	return imagerepo.ImageRef{ID: img.ID, Name: img.Name}, err
}

func (l localRepository) OpenImage(ctx context.Context, called string) (io.ReadCloser, error) {
	img, err := l.Repository.Find(ctx, l.project, called)
	if err != nil {
		return nil, err
	}
	if !img.Stored() {
		return nil, fmt.Errorf("image %q is only referenced: its bytes are at %s", img.Name, fetch.Redact(img.Source.URL))
	}
	blob, err := l.Repository.Open(ctx, img)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(blob, 0, blob.Size()), blob}, nil
}

func (l localRepository) Doctor(ctx context.Context, options imagerepo.DoctorOptions) (imagerepo.Diagnosis, error) {
	return l.Repository.Doctor(ctx, options)
}

// localLauncher launches on the VIMs of clouds.yaml.
type localLauncher struct {
	localRepository
	clouds  []*glance.Cloud
	options vim.Options
}

func (l localLauncher) Launch(ctx context.Context, wanted operation.Launch, progress func(string, int64, int64)) (onboarding.LaunchReport, error) {
	req := onboarding.LaunchRequest{Project: l.project, Package: wanted.Package, Options: l.options}
	for _, cloud := range l.clouds {
		req.VIMs = append(req.VIMs, cloud)
	}
	req.Options.DryRun, req.Options.RequireDigest, req.Options.VisibilityFallback = wanted.DryRun, wanted.RequireDigest, wanted.VisibilityFallback
	req.Options.Progress = func(at vim.Progress) { progress(at.VIM+" "+at.Image, at.Done, at.Total) }
	return l.Pipeline.Launch(ctx, req)
}

// localClouds are the VIMs of clouds.yaml.
type localClouds struct{}

func (localClouds) VIMs(context.Context) ([]string, error) {
	config, err := glance.Load()
	if err != nil {
		return nil, err
	}
	return config.Names(), nil
}

func (localClouds) CheckVIM(ctx context.Context, name string, probe bool) (view.Check, error) {
	clouds, err := openVIMs([]string{name}, glance.Options{})
	if err != nil {
		return view.Check{}, err
	}
	defer clouds[0].Close()
	return viewCheck(clouds[0].Check(ctx, probe)), nil
}
