package fsstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// writeBack is after how many bytes the kernel is asked to begin writing to
// the medium, so that little is left to wait for in the end.
const writeBack = 16 << 20

type blob struct {
	*os.File
	size int64
}

func (b *blob) Size() int64 { return b.size }

func openBlob(folder, id string) (imagerepo.Blob, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(folder, id))
	if err != nil {
		return nil, notFound(id, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("image file %s: %s is not a regular file", id, file.Name())
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &blob{File: file, size: info.Size()}, nil
}

type writer struct {
	file    *os.File
	written int64
	flushed int64
	ended   bool
}

// createFile starts a file that must not be there yet.
func createFile(path string, sizeHint int64) (*writer, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o440)
	if err != nil {
		return nil, fmt.Errorf("image file: %w", err)
	}
	// A full disk is better told before the transfer than after it. File systems
	// that cannot allocate in advance tell it later.
	if sizeHint > 0 {
		err := unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, sizeHint)
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG) {
			return nil, errors.Join(fmt.Errorf("image file of %d bytes: %w", sizeHint, err), file.Close(), os.Remove(path))
		}
	}
	return &writer{file: file}, nil
}

// Write implements [imagerepo.BlobWriter].
func (w *writer) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.written += int64(n)
	if err != nil {
		return n, fmt.Errorf("image file: %w", err)
	}
	if w.written-w.flushed >= writeBack {
		// Only a hint; Commit's fsync is what counts.
		_ = unix.SyncFileRange(int(w.file.Fd()), w.flushed, w.written-w.flushed, unix.SYNC_FILE_RANGE_WRITE)
		w.flushed = w.written
	}
	return n, nil
}

// Commit implements [imagerepo.BlobWriter].
func (w *writer) Commit() error {
	w.ended = true
	// Cuts off what was allocated for a size hint that was too large.
	err := w.file.Truncate(w.written)
	if err == nil {
		err = w.file.Sync()
	}
	if err := errors.Join(err, w.file.Close()); err != nil {
		return fmt.Errorf("image file: %w", err)
	}
	return nil
}

// Close implements [imagerepo.BlobWriter].
func (w *writer) Close() error {
	if w.ended {
		return nil
	}
	w.ended = true
	return errors.Join(w.file.Close(), os.Remove(w.file.Name()))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("image folder: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("image folder: %w", err)
	}
	return nil
}

// notFound turns the absence of an image's file into the repository's error.
func notFound(id string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("image file %s: %w", id, imagerepo.ErrNotFound)
	}
	return fmt.Errorf("image file %s: %w", id, err)
}
