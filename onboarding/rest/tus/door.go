package tus

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

const (
	version    = "1.0.0"
	extensions = "creation,creation-with-upload,termination,expiration,checksum"
	chunkType  = "application/offset+octet-stream"

	uploads = "/api/v1/uploads"

	// statusChecksum is the protocol's own, for a chunk without its digest.
	statusChecksum = 460
)

// Config is what the door works with.
type Config struct {
	Packages *vnfpkg.Service
	Queue    *job.Queue
}

// New returns the door.
func New(config Config) rest.Door {
	d := &door{Config: config, turns: turns{newest: make(map[string]*turn)}}
	one := uploads + "/{upload}"
	route := func(method, pattern, action string, handler rest.HandlerFunc) rest.Route {
		return rest.Route{Method: method, Pattern: pattern, Need: access.Writer, Action: action, Handler: spoken(handler)}
	}
	return rest.Door{
		Name: "tus", Basic: true,
		Routes: []rest.Route{
			{Method: http.MethodOptions, Pattern: uploads, Need: access.Writer, Handler: rest.HandlerFunc(d.options)}, // tells the version, and so needs none
			route(http.MethodPost, uploads, "package.upload", d.create),
			route(http.MethodHead, one, "", d.head),
			route(http.MethodPatch, one, "package.upload", d.patch),
			route(http.MethodDelete, one, "upload.delete", d.terminate),
			route(http.MethodPost, one, "package.upload", d.overridden),
		},
		Fail: func(w http.ResponseWriter, r *http.Request, problem rest.Problem) {
			w.Header().Set("Tus-Resumable", version)
			rest.WriteProblem(w, r, problem)
		},
	}
}

type door struct {
	Config
	turns turns
}

// turn makes a request the one that has its upload. What sends bytes gives way to the
// next one; what takes no time does not.
func (d *door) turn(r *http.Request, sends bool) (release func()) {
	interrupt := func(error) {}
	if sends {
		interrupt = rest.Interrupter(r.Context())
	}
	return d.turns.take(rest.CallerOf(r.Context()).Project+"/"+r.PathValue("upload"), interrupt)
}

// spoken lets only requests through that speak the version of the protocol.
func spoken(next rest.HandlerFunc) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Tus-Resumable", version)
		if asked := r.Header.Get("Tus-Resumable"); asked != version {
			w.Header().Set("Tus-Version", version)
			return rest.Errorf(http.StatusPreconditionFailed, "Tus-Resumable is %q, and this server speaks %s", asked, version)
		}
		return next(w, r)
	}
}

func (d *door) options(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Tus-Resumable", version)
	h.Set("Tus-Version", version)
	h.Set("Tus-Extension", extensions)
	h.Set("Tus-Checksum-Algorithm", algorithms)
	if limit := d.Packages.Limits.PackageSize; limit > 0 {
		h.Set("Tus-Max-Size", strconv.FormatInt(limit, 10))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// overridden serves clients that can send no other method.
func (d *door) overridden(w http.ResponseWriter, r *http.Request) error {
	switch method := r.Header.Get("X-HTTP-Method-Override"); method {
	case http.MethodPatch:
		return d.patch(w, r)
	case http.MethodDelete:
		rest.Acts(r.Context(), "upload.delete")
		return d.terminate(w, r)
	case http.MethodHead:
		rest.Unchanged(r.Context())
		return d.head(w, r)
	default:
		return rest.Errorf(http.StatusBadRequest, "X-HTTP-Method-Override is %q, which is none of the methods of an upload", method)
	}
}

// create begins an upload, with its first bytes or without any.
func (d *door) create(w http.ResponseWriter, r *http.Request) error {
	size, err := count(r, "Upload-Length")
	if err != nil {
		return err
	}
	if r.Header.Get("Upload-Concat") != "" {
		return rest.Errorf(http.StatusBadRequest, "uploads are not put together here: send the package as one")
	}
	meta, err := parseMetadata(r.Header.Get("Upload-Metadata"))
	if err != nil {
		return err
	}
	wanted, begin, err := meta.wishes()
	if err != nil {
		return err
	}
	c, err := chunkOf(r)
	if err != nil {
		return err
	}
	ctx, caller := r.Context(), rest.CallerOf(r.Context())
	wanted.Project, wanted.OneShot = caller.Project, true
	made, err := d.Packages.Create(ctx, wanted)
	if err != nil {
		return err
	}
	rest.Target(ctx, made.ID)
	begin.Size = size
	begun, err := d.Packages.Begin(ctx, made.Project, made.ID, begin)
	if err != nil {
		return errors.Join(err, d.discard(ctx, made))
	}
	var at int64
	if c != nil {
		if at, err = c.append(ctx, d.Packages, begun, 0); err != nil {
			return errors.Join(err, d.discard(ctx, made)) // who sent it does not know its address
		}
		w.Header().Set("Upload-Offset", strconv.FormatInt(at, 10))
	}
	if err := d.proceed(w, r, begun, at); err != nil {
		return errors.Join(err, d.discard(ctx, made))
	}
	w.Header().Set("Location", caller.BaseURL+uploads+"/"+made.ID)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// discard deletes a resource whose upload could not begin.
func (d *door) discard(ctx context.Context, r vnfpkg.Resource) error {
	_, _, err := d.Packages.Delete(context.WithoutCancel(ctx), r.Project, r.ID, vnfpkg.DeleteOptions{})
	if errors.Is(err, imagerepo.ErrNotFound) {
		return nil // it went with the upload
	}
	return err
}

// proceed tells when an upload expires or, if it has all its bytes, has it onboarded
// and tells where.
func (d *door) proceed(w http.ResponseWriter, r *http.Request, up vnfpkg.Resource, at int64) error {
	if at < up.Size {
		found, err := d.Packages.Get(r.Context(), up.Project, up.ID)
		if err == nil {
			expires(w, found)
		}
		return err
	}
	receipt, err := d.Packages.Complete(r.Context(), up.Project, up.ID, rest.CallerOf(r.Context()).Subject)
	if !errors.Is(err, vnfpkg.ErrBusy) {
		rest.Acts(r.Context(), "package.upload") // also where it was only asked how far the upload is
	}
	if err != nil {
		return err
	}
	d.accepted(w, r, receipt.Resource.ID, receipt.Job.ID)
	return nil
}

func expires(w http.ResponseWriter, r vnfpkg.Resource) {
	if !r.ExpiresAt.IsZero() {
		w.Header().Set("Upload-Expires", r.ExpiresAt.UTC().Format(http.TimeFormat))
	}
}

// accepted tells where package and job are.
func (d *door) accepted(w http.ResponseWriter, r *http.Request, pkg, job string) {
	base := rest.CallerOf(r.Context()).BaseURL + "/api/v1/"
	w.Header().Set("Gangway-Package", base+"packages/"+pkg)
	if job != "" {
		w.Header().Set("Gangway-Job", base+"jobs/"+job)
	}
}

// patch takes bytes. What has arrived when the body breaks off counts.
func (d *door) patch(w http.ResponseWriter, r *http.Request) error {
	offset, err := count(r, "Upload-Offset")
	if err != nil {
		return err
	}
	c, err := chunkOf(r)
	if err != nil {
		return err
	}
	if c == nil {
		return rest.Errorf(http.StatusUnsupportedMediaType, "the Content-Type is %q, not %s", r.Header.Get("Content-Type"), chunkType)
	}
	defer d.turn(r, true)()
	up, _, err := d.find(r)
	if err != nil {
		return err
	}
	at, err := c.append(r.Context(), d.Packages, up, offset)
	if err == nil {
		err = d.proceed(w, r, up, at)
	}
	if err != nil {
		return busy(err)
	}
	w.Header().Set("Upload-Offset", strconv.FormatInt(at, 10))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// busy says that an upload is locked rather than in another state.
func busy(err error) error {
	if errors.Is(err, vnfpkg.ErrBusy) {
		return rest.Errorf(http.StatusLocked, "%v", err)
	}
	return err
}

// head tells how far an upload is. If a server was killed between the last byte and
// the job, it makes up for that.
func (d *door) head(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	defer d.turn(r, false)()
	up, at, err := d.find(r)
	if err != nil {
		return err
	}
	if up.State != vnfpkg.Uploading {
		d.accepted(w, r, up.ID, up.Job)
	} else if err := d.proceed(w, r, up, at); err != nil && !errors.Is(err, vnfpkg.ErrBusy) {
		return err
	}
	if meta := metadata(up.UserData).String(); meta != "" {
		w.Header().Set("Upload-Metadata", meta)
	}
	w.Header().Set("Upload-Offset", strconv.FormatInt(at, 10))
	w.Header().Set("Upload-Length", strconv.FormatInt(up.Size, 10))
	w.WriteHeader(http.StatusOK)
	return nil
}

func (d *door) terminate(w http.ResponseWriter, r *http.Request) error {
	defer d.turn(r, false)()
	up, _, err := d.find(r)
	if err != nil && !errors.Is(err, vnfpkg.ErrDamaged) {
		return err
	}
	if err := d.Packages.Abandon(r.Context(), up.Project, up.ID); err != nil {
		return busy(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// find returns the upload that a request is about, and how many bytes it has. One
// that has ended has all of them. The resource is valid with ErrDamaged, too.
func (d *door) find(r *http.Request) (vnfpkg.Resource, int64, error) {
	ctx, project, id := r.Context(), rest.CallerOf(r.Context()).Project, r.PathValue("upload")
	found, err := d.Packages.Get(ctx, project, id)
	if errors.Is(err, imagerepo.ErrNotFound) {
		return found, 0, d.givenWay(ctx, project, id, err)
	}
	if err != nil {
		return found, 0, err
	}
	none := rest.Errorf(http.StatusNotFound, "there is no upload %s", id)
	switch found.State {
	case vnfpkg.Created:
		return found, 0, none
	case vnfpkg.Uploading:
		at, err := d.Packages.Offset(ctx, project, id)
		if _, other := errors.AsType[*vnfpkg.StateError](err); other {
			err = none // it comes by another door
		}
		if errors.Is(err, vnfpkg.ErrDamaged) {
			err = errors.Join(rest.Errorf(http.StatusGone, "%v", err), err)
		}
		return found, at, err
	}
	if found.Size < 0 {
		return found, 0, none // onboarded by the command line
	}
	return found, found.Size, nil
}

// givenWay tells of an upload that ended with a package that was there before, or
// was deleted since: its job knows.
func (d *door) givenWay(ctx context.Context, project, id string, notFound error) error {
	jobs, err := d.Queue.List(ctx, job.Filter{Project: project, Kind: vnfpkg.KindOnboard, Subject: id, Limit: 1})
	if err != nil || len(jobs) == 0 {
		return errors.Join(err, notFound)
	}
	base := rest.CallerOf(ctx).BaseURL + "/api/v1/"
	gone := rest.Errorf(http.StatusGone, "the upload has ended; Gangway-Job says how")
	gone.Header = http.Header{"Gangway-Job": {base + "jobs/" + jobs[0].ID}}
	var outcome vnfpkg.Outcome
	if json.Unmarshal(jobs[0].Result, &outcome) == nil && outcome.Package != "" {
		gone.Header.Set("Gangway-Package", base+"packages/"+outcome.Package)
	}
	return gone
}
