package vnfpkg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// BeginOptions describe a resumable upload.
type BeginOptions struct {
	// Size is the length of the archive in bytes, or -1 if it is not known: then
	// Complete takes what is there.
	Size int64
	// SHA256 is the digest that was stated for the archive in lower-case hex, or
	// empty. Complete compares it.
	SHA256 string
	// Filename is what the caller calls the archive, or empty.
	Filename string
}

// Begin starts a resumable upload to a resource in the state CREATED. It expires
// when no byte arrives for Config.Expiry; then the resource is CREATED again, or
// gone if it is OneShot. It fails with a *StateError, *TooLargeError, *QuotaError
// or ErrNoSpace.
func (s *Service) Begin(ctx context.Context, project, id string, opts BeginOptions) (Resource, error) {
	sp, _, err := s.lock(ctx, project, id, empty(false))
	if err != nil {
		return Resource{}, err
	}
	row, err := s.begin(ctx, project, id, opts, true, false)
	if err != nil {
		return Resource{}, errors.Join(err, s.release(ctx, sp, id))
	}
	err = sp.begin()
	if err == nil {
		err = sp.harden() // its name, that is
	}
	if err != nil {
		s.reset(ctx, project, id, sp, err)
	}
	return row.Resource, errors.Join(err, sp.Close())
}

// Offset returns at which byte a resumable upload goes on. It fails with a
// *StateError if there is none, or with ErrExpired or ErrDamaged.
func (s *Service) Offset(ctx context.Context, project, id string) (int64, error) {
	row, err := s.row(ctx, project, id)
	if err == nil {
		err = s.canResume(row)
	}
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(s.path(id))
	switch {
	case errors.Is(err, os.ErrNotExist) && row.Received == 0:
		return 0, nil
	case errors.Is(err, os.ErrNotExist) || err == nil && info.Size() < row.Received:
		return 0, fmt.Errorf("archive %s: %w", id, ErrDamaged)
	case err != nil:
		return 0, err
	case row.trusts(s.boot):
		return info.Size(), nil
	}
	return row.Received, nil
}

// canResume is what a row must be for an upload to go on now.
func (s *Service) canResume(row Row) error {
	err := resumable(row)
	if err == nil && s.now().After(row.ExpiresAt) {
		err = fmt.Errorf("package %s: %w", row.ID, ErrExpired)
	}
	return err
}

// AppendOptions describe a part of a resumable upload.
type AppendOptions struct {
	// Size is the length of the part in bytes if it is greater than zero; else
	// it is not known.
	Size int64
	// Algorithm and Digest are the stated digest of the part, lower-case hex; see
	// [imagerepo.Algorithm]. With one, the part counts as a whole or not at all.
	Algorithm, Digest string
}

// Append adds a part to a resumable upload and returns the offset after it. The
// part must begin at offset, the end of those before. Once it has taken bytes of r,
// those up to the returned offset are durable, whatever the error; on one of r, or
// the end of the context, that is what has arrived, unless the part has a digest.
// An error before that, such as an *OffsetError, makes nothing durable. Errors of r
// are returned as they are, wrapped.
//
// It fails with an *OffsetError, ErrBusy while another request appends,
// ErrChecksum, *TooLargeError, *QuotaError, ErrNoSpace, ErrIncomplete when the
// part has another length or the upload would become larger than its size,
// ErrExpired, ErrDamaged, or a *StateError if there is no upload.
func (s *Service) Append(ctx context.Context, project, id string, offset int64, r io.Reader, opts AppendOptions) (int64, error) {
	admission, err := s.Admit(ctx, project, 0)
	if err != nil {
		return offset, err
	}
	defer admission.Close()
	stated := imagerepo.Digests{}
	if opts.Algorithm != "" {
		stated[opts.Algorithm] = opts.Digest
	}
	part, err := newSums(stated)
	if err != nil {
		return offset, err
	}
	sp, row, err := s.lock(ctx, project, id, s.canResume)
	if err != nil {
		return offset, err
	}
	ctx, stop := s.write(ctx, id)
	defer stop()
	at, err := s.append(ctx, row, sp, offset, r, opts, part, stated)
	if err != nil {
		err = fmt.Errorf("upload of package %s: %w", id, err)
	}
	stop()
	return at, errors.Join(err, sp.Close())
}

func (s *Service) append(ctx context.Context, row Row, sp *spool, offset int64, r io.Reader, opts AppendOptions, part sums, stated imagerepo.Digests) (int64, error) {
	if err := sp.resume(ctx, row, s.boot); err != nil {
		return row.Received, err
	}
	if sp.size != offset {
		return sp.size, &OffsetError{Have: sp.size}
	}
	p := s.pouring(row, sp)
	defer s.rest(row.ID)
	if opts.Size > p.left {
		return offset, p.over
	}
	p.mark = func(at int64, state []byte) error {
		err := sp.Sync()
		if err == nil {
			err = s.checkpoint(ctx, row.ID, Checkpoint{Offset: at, Hash: state, Room: s.unknown(row)})
		}
		return err
	}
	before, err := sp.state()
	if err == nil && part != nil {
		// Until it is proven, nothing of the part may count, whatever happens, nor
		// be seen by anybody.
		s.drop(row.ID, errUnproven)
		p.part, p.mark, p.wrote = part, nil, nil
		if err = sp.harden(); err == nil {
			err = s.checkpoint(ctx, row.ID, Checkpoint{Offset: offset, Hash: before, Unproven: true})
		}
	}
	if err == nil {
		err = sp.allocate(opts.Size)
	}
	if err == nil {
		err = sp.pour(ctx, r, p)
	}
	if err == nil && opts.Size > 0 && sp.size != offset+opts.Size {
		err = fmt.Errorf("%w: %d of %d bytes came", ErrIncomplete, sp.size-offset, opts.Size)
	}
	if part != nil {
		if err == nil {
			err = part.compare(stated)
		}
		if err != nil {
			err = errors.Join(err, sp.restore(offset, before))
		}
	}
	return s.pause(ctx, row, sp, err)
}

var errUnproven = errors.New("the upload has parts that count only when they are whole")

// pause makes what has arrived of an upload durable. It returns the size that the
// upload has for certain then.
func (s *Service) pause(ctx context.Context, row Row, sp *spool, err error) (int64, error) {
	state, broken := sp.state()
	if broken == nil {
		broken = sp.harden()
	}
	if broken == nil {
		broken = s.checkpoint(ctx, row.ID, Checkpoint{Offset: sp.size, Hash: state})
	}
	if broken != nil {
		return row.Received, errors.Join(err, s.doubt(ctx, row, broken))
	}
	if a := s.taken(row.ID, sp.size); a != nil {
		a.wrote(sp.size, sp.size)
	}
	return sp.size, err
}

// doubt returns why bytes could not be made durable. If they are damaged, it stores
// that what is behind those of the row may not be what arrived, which the next
// request could not tell by the file.
func (s *Service) doubt(ctx context.Context, row Row, why error) error {
	if !errors.Is(why, ErrDamaged) {
		return why
	}
	return errors.Join(why, s.checkpoint(ctx, row.ID, Checkpoint{Offset: row.Received, Hash: row.Hash, Unproven: true}))
}

// checkpoint stores how far an upload is, which makes it live longer.
func (s *Service) checkpoint(ctx context.Context, id string, at Checkpoint) error {
	at.Boot, at.ExpiresAt = s.boot, s.now().Add(s.Expiry)
	return s.Store.Checkpoint(context.WithoutCancel(ctx), id, at)
}

// Complete accepts an upload that has all its bytes, as Receive does at the end of
// a body. It fails with ErrIncomplete while bytes are missing, and with
// ErrChecksum when the whole has not the stated digest; then the upload has ended
// as Abandon ends one.
func (s *Service) Complete(ctx context.Context, project, id, by string) (Receipt, error) {
	sp, row, err := s.lock(ctx, project, id, s.canResume)
	if err != nil {
		return Receipt{}, err
	}
	var receipt Receipt
	err = sp.resume(ctx, row, s.boot)
	switch {
	case err != nil:
	case row.Size >= 0 && sp.size < row.Size:
		err = fmt.Errorf("%w: %d of %d bytes are there", ErrIncomplete, sp.size, row.Size)
	case row.Expected != "" && row.Expected != sp.sum():
		err = fmt.Errorf("%w: expected %s %s, found %s", ErrChecksum, imagerepo.SHA256, row.Expected, sp.sum())
		s.reset(ctx, project, id, sp, err)
	default:
		if receipt, err = s.accept(ctx, row, sp, by); err != nil {
			err = s.doubt(ctx, row, err)
		}
	}
	if err != nil {
		err = fmt.Errorf("upload of package %s: %w", id, err)
	}
	return receipt, errors.Join(err, sp.Close())
}

// Abandon ends a resumable upload without accepting it: its bytes are removed and
// the resource is CREATED again, or gone if it is OneShot. It fails with a
// *StateError if there is none, or with ErrBusy while another process appends.
func (s *Service) Abandon(ctx context.Context, project, id string) error {
	row, err := s.row(ctx, project, id)
	if err == nil {
		err = resumable(row)
	}
	if err != nil {
		return err
	}
	s.stopWriting(id, errAbandoned)
	sp, _, err := s.lock(ctx, project, id, resumable)
	if err != nil {
		return err
	}
	s.reset(ctx, project, id, sp, errAbandoned)
	return sp.Close()
}

var errAbandoned = errors.New("the upload was given up by the caller")
