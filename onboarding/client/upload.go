package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

const (
	uploads    = "/api/v1/uploads"
	tusVersion = "1.0.0"
	// statusChecksum is tus's own, for bytes that were damaged on the way.
	statusChecksum = 460
	// finishing bounds how long a server takes to answer once it has all bytes of
	// a part: it makes them durable. Whoever asks again finds out.
	finishing = 10 * time.Minute
	// farewell bounds the removal of an upload that nobody will go on with.
	farewell = 3 * time.Second
)

// errLost says that there is nothing to go on with: a server has no upload any more,
// or not its bytes, or what came of it was no success.
var errLost = errors.New("the upload cannot go on")

// upload is a file on its way to the server, by the tus protocol 1.0. It belongs to
// one goroutine.
type upload struct {
	*Client
	src      onboarding.Source
	file     csar.Source
	was      fs.FileInfo // of the file, when it was opened
	opts     onboarding.Options
	note     *note // where it is noted; nil if nowhere
	meter    *meter
	patience *patience
	id       string // empty while the server has none
	offset   int64  // bytes that the server has
	asked    bool   // whether the offset is known
	job      string // ID, once the server has all of it
}

// upload sends a file and waits for it to be onboarded.
func (c *Client) upload(ctx context.Context, src onboarding.Source, file csar.Source, opts onboarding.Options) (onboarding.Report, error) {
	u := &upload{Client: c, src: src, file: file, was: infoOf(file), opts: opts, note: c.noteOf(file, opts), patience: c.patient(c.options.Patience),
		meter: &meter{source: src.Name, size: file.Size, progress: opts.Progress}}
	defer u.note.release()
	u.id = u.note.upload()
	if u.id != "" {
		report, err := u.goOn(ctx)
		if !errors.Is(err, errLost) {
			return report, err
		}
		u.beginAnew(ctx, err)
	}
	err := u.fill(ctx)
	if errors.Is(err, errLost) {
		u.beginAnew(ctx, err)
		err = u.fill(ctx)
	}
	if err != nil {
		return onboarding.Report{}, u.interrupted(ctx, err)
	}
	return u.conclude(ctx)
}

// goOn goes on with the upload of another process. The error is errLost if that was
// to no avail: the server does not have it any more, or what came of it, or that had
// ended without success. Who asks again has mended what was the reason.
func (u *upload) goOn(ctx context.Context) (onboarding.Report, error) {
	if err := u.until(ctx, func() bool { return u.asked || u.job != "" }); err != nil {
		return onboarding.Report{}, u.interrupted(ctx, err)
	}
	u.options.Log.Info("upload of another process goes on", "source", u.src.Name, "offset", u.offset)
	ended := u.job != ""
	if ended {
		var before job.Job
		switch _, err := u.callFor(ctx, u.patience, get(at("jobs", u.job), job.ErrNotFound), &before); {
		case errors.Is(err, job.ErrNotFound):
			return onboarding.Report{}, fmt.Errorf("%w: %w", errLost, err)
		case err != nil:
			return onboarding.Report{}, &PendingError{Server: u.server, Job: u.job, Err: err}
		case before.State.Ended() && before.State != job.Succeeded:
			return onboarding.Report{}, fmt.Errorf("%w: job %s had %s before", errLost, before.ID, before.State)
		}
	}
	if err := u.fill(ctx); err != nil {
		return onboarding.Report{}, u.interrupted(ctx, err)
	}
	report, err := u.conclude(ctx)
	if ended && err == nil && report.Package != nil && report.Package.ID != "" {
		// The package may have been deleted since.
		_, err = u.call(ctx, get(at("packages", report.Package.ID), imagerepo.ErrNotFound), nil)
	}
	if ended && (errors.Is(err, job.ErrNotFound) || errors.Is(err, imagerepo.ErrNotFound)) {
		err = fmt.Errorf("%w: %w", errLost, err)
	}
	return report, err
}

// conclude waits for the job of an upload that is whole. Once its end is known there
// is nothing to go on with.
func (u *upload) conclude(ctx context.Context) (onboarding.Report, error) {
	report, err := u.outcome(ctx, u.src, u.job, u.opts, true)
	if _, pending := errors.AsType[*PendingError](err); !pending {
		u.note.remove()
	}
	return report, err
}

// beginAnew makes the upload one that has not begun, and has the server remove what
// is left there of the one before. The note is kept until it can be of another: a
// token may have been the wrong one.
func (u *upload) beginAnew(ctx context.Context, why error) {
	u.options.Log.Warn("upload begins anew", "source", u.src.Name, "err", why)
	u.terminate(ctx)
	u.id, u.offset, u.asked, u.job = "", 0, false, ""
}

// fill sends until the server has all bytes and a job for them.
func (u *upload) fill(ctx context.Context) error {
	return u.until(ctx, func() bool { return u.job != "" })
}

// until does one step after another, again if need be. The error is errLost if the
// server has nothing of the upload any more.
func (u *upload) until(ctx context.Context, done func() bool) error {
	for !done() {
		err := u.meaning(u.step(ctx))
		if err == nil {
			continue
		}
		u.asked = false
		if err := u.patience.wait(ctx, err); err != nil {
			return err
		}
	}
	return nil
}

// step does the next thing that is to be done.
func (u *upload) step(ctx context.Context) error {
	switch {
	case u.id == "":
		return u.create(ctx)
	case !u.asked:
		return u.head(ctx)
	}
	return u.patch(ctx)
}

// meaning says what an error means to an upload.
func (u *upload) meaning(err error) error {
	told, ok := errors.AsType[*Error](err)
	if !ok || u.id == "" {
		return err
	}
	switch told.Status {
	case http.StatusLocked, http.StatusConflict:
		// Another process of the server has it, or more has come than was known. HEAD
		// tells how far it is.
		return &passing{err}
	case http.StatusNotFound, http.StatusGone:
		if !told.spoken {
			return &passing{err} // somebody answers for a server that is not there
		}
		if u.accepted(told.header); u.job != "" {
			return nil
		}
		return fmt.Errorf("%w: %w", errLost, err)
	case statusChecksum:
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// create begins an upload at the server. If the answer is lost, what was begun there
// expires.
func (u *upload) create(ctx context.Context) error {
	var meta []string
	for _, pair := range [][2]string{{"filename", baseOf(u.src)}, {"on-conflict", string(u.opts.OnConflict)}, {"images", string(u.opts.Images)}} {
		if pair[1] != "" {
			meta = append(meta, pair[0]+" "+base64.StdEncoding.EncodeToString([]byte(pair[1])))
		}
	}
	got, err := u.once(ctx, request{method: http.MethodPost, path: uploads, header: http.Header{
		"Tus-Resumable": {tusVersion}, "Upload-Length": {strconv.FormatInt(u.file.Size, 10)}, "Upload-Metadata": {strings.Join(meta, ",")}}}, nil)
	if err != nil {
		return err
	}
	if u.id = idIn(got.header.Get("Location")); u.id == "" {
		return fmt.Errorf("server %s: does not tell where the upload is", u.server)
	}
	u.asked = true
	u.patience.moved()
	u.accepted(got.header)
	u.note.write(u.id)
	return nil
}

// head asks how far the upload is.
func (u *upload) head(ctx context.Context) error {
	got, err := u.once(ctx, request{method: http.MethodHead, path: at("uploads", u.id), header: http.Header{"Tus-Resumable": {tusVersion}}}, nil)
	if err != nil {
		return err
	}
	if err := u.is(got.header); err != nil {
		return err
	}
	if u.job == "" && u.offset == u.file.Size {
		return &passing{fmt.Errorf("server %s: has all bytes, and does not tell yet what becomes of them", u.server)}
	}
	return nil
}

// is takes from an answer how far the upload is.
func (u *upload) is(header http.Header) error {
	offset, err := strconv.ParseInt(header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 || offset > u.file.Size {
		return fmt.Errorf("server %s: has %q bytes of an upload of %d", u.server, header.Get("Upload-Offset"), u.file.Size)
	}
	if length := header.Get("Upload-Length"); length != "" && length != strconv.FormatInt(u.file.Size, 10) {
		return fmt.Errorf("server %s: %w: it has one of %s bytes, and the file has %d", u.server, errLost, length, u.file.Size)
	}
	if u.patience.reached = true; offset > u.offset {
		u.patience.moved()
	}
	u.offset, u.asked = offset, true
	u.accepted(header)
	return nil
}

// accepted takes from an answer which job works at the upload.
func (u *upload) accepted(header http.Header) { u.job = idIn(header.Get("Gangway-Job")) }

// patch sends what the server does not have.
func (u *upload) patch(ctx context.Context) error {
	resp, err := u.send(ctx, request{method: http.MethodPatch, path: at("uploads", u.id),
		header: http.Header{"Tus-Resumable": {tusVersion}, "Upload-Offset": {strconv.FormatInt(u.offset, 10)},
			"Content-Type": {"application/offset+octet-stream"}},
		content: func() io.Reader { return &part{file: u.file, was: u.was, at: u.offset} }, length: u.file.Size - u.offset,
		told: u.meter.from(u.offset), answer: finishing})
	if err != nil {
		return err
	}
	discard(resp.Body)
	before := u.offset
	if err := u.is(resp.Header); err != nil {
		return err
	}
	if u.job == "" && u.offset == before {
		return &passing{fmt.Errorf("server %s: takes no bytes", u.server)}
	}
	return nil
}

// interrupted says what becomes of an upload that has ended early. One that nobody
// can go on with is removed.
func (u *upload) interrupted(ctx context.Context, err error) error {
	if u.id == "" || u.job != "" || errors.Is(err, errLost) {
		return err
	}
	if _, changed := errors.AsType[*sourceError](err); changed || u.note == nil {
		u.note.remove()
		u.terminate(ctx)
		return err
	}
	return fmt.Errorf("%w; the server has %d of %d bytes, and the same call goes on from there", err, u.offset, u.file.Size)
}

// terminate has the server remove what it has of the upload, if it answers.
func (u *upload) terminate(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	_, err := u.once(ctx, request{method: http.MethodDelete, path: at("uploads", u.id), header: http.Header{"Tus-Resumable": {tusVersion}}}, nil)
	if err != nil {
		u.options.Log.Info("upload is left to expire", "upload", u.id, "err", err)
	}
}
