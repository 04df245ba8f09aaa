package access

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// EnsureAdmin makes a token of an admin in all projects if there is no token at
// all, and writes it to a file that only its owner may read. It reports whether
// it did. Of processes that start together one does. A file that is there is
// replaced: its token is in no store, since the store is empty.
func (t *Tokens) EnsureAdmin(ctx context.Context, path string) (made bool, err error) {
	token, secret := NewToken{Name: "admin", Project: AllProjects, Role: Admin}.token()
	digest, _ := hash(secret)
	made, err = t.store.AddFirstToken(ctx, token, digest, func() error { return writeSecret(path, secret) })
	if err != nil {
		return false, fmt.Errorf("admin token: %w", err)
	}
	return made, nil
}

// writeSecret writes a file of mode 0600, whole or not at all, and durably.
func writeSecret(path, secret string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600, O_EXCL
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.WriteString(secret + "\n")
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
