package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Tokens is the ledger's store of tokens.
type Tokens struct{ l *Ledger }

var _ access.TokenStore = Tokens{}

// Tokens returns the store of tokens.
func (l *Ledger) Tokens() Tokens { return Tokens{l} }

const tokenColumns = `id, name, project, role, COALESCE(parent, ''), created_at, expires_at, used_at`

// scanToken reads a row of tokenColumns.
func scanToken(row scanner) (access.Token, error) {
	var t access.Token
	var created, expires, used int64
	err := row.Scan(&t.ID, &t.Name, &t.Project, &t.Role, &t.Parent, &created, &expires, &used)
	t.CreatedAt, t.ExpiresAt, t.UsedAt = fromMicro(created), fromMicro(expires), fromMicro(used)
	return t, err
}

// insertToken inserts a token, unless it has no parent and its name is taken.
func insertToken(ctx context.Context, tx *sql.Tx, t access.Token, hash string) error {
	result, err := tx.ExecContext(ctx, `INSERT INTO tokens (id, hash, name, project, role, parent, created_at, expires_at, used_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,0) ON CONFLICT (name) WHERE parent IS NULL DO NOTHING`,
		t.ID, hash, t.Name, t.Project, t.Role, sql.NullString{String: t.Parent, Valid: t.Parent != ""}, micro(t.CreatedAt), micro(t.ExpiresAt))
	inserted, err := changed(result, err)
	if err == nil && !inserted {
		err = fmt.Errorf("token %q: %w", t.Name, access.ErrNameTaken)
	}
	return err
}

// AddToken implements [access.TokenStore].
func (s Tokens) AddToken(ctx context.Context, t access.Token, hash string) error {
	return s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error { return insertToken(ctx, tx, t, hash) })
}

// AddFirstToken implements [access.TokenStore]: the transaction holds the write
// lock, which every other addition needs.
func (s Tokens) AddFirstToken(ctx context.Context, t access.Token, hash string, place func() error) (added bool, err error) {
	err = s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var there bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tokens)`).Scan(&there); err != nil {
			return fmt.Errorf("ledger: tokens: %w", err)
		}
		if there {
			return nil
		}
		if err := insertToken(ctx, tx, t, hash); err != nil {
			return err
		}
		added = true
		return place()
	})
	return added && err == nil, err
}

// AddGrant implements [access.TokenStore].
func (s Tokens) AddGrant(ctx context.Context, t access.Token, hash string, most int) error {
	return s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var there bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tokens WHERE id = $1)`, t.Parent).Scan(&there); err != nil {
			return fmt.Errorf("ledger: tokens: %w", err)
		}
		if !there {
			return fmt.Errorf("token %q: %w", t.Name, access.ErrNotFound)
		}
		if err := insertToken(ctx, tx, t, hash); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE id IN
			(SELECT id FROM tokens WHERE parent = $1 ORDER BY created_at DESC, id LIMIT 1 OFFSET $2)`, t.Parent, most)
		if err != nil {
			return fmt.Errorf("ledger: tokens: %w", err)
		}
		return nil
	})
}

// TokenByHash implements [access.TokenStore].
func (s Tokens) TokenByHash(ctx context.Context, hash string) (access.Token, error) {
	t, err := scanToken(s.l.db.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE hash = $1`, hash))
	if errors.Is(err, sql.ErrNoRows) {
		return access.Token{}, access.ErrNotFound
	}
	if err != nil {
		return access.Token{}, fmt.Errorf("ledger: tokens: %w", err)
	}
	return t, nil
}

// Tokens implements [access.TokenStore].
func (s Tokens) Tokens(ctx context.Context) ([]access.Token, error) {
	tokens, err := collect(ctx, s.l.db, scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE parent IS NULL ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("ledger: tokens: %w", err)
	}
	return tokens, nil
}

// RemoveToken implements [access.TokenStore].
func (s Tokens) RemoveToken(ctx context.Context, id string) error {
	return s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		removed, err := changed(tx.ExecContext(ctx, `DELETE FROM tokens WHERE id = $1`, id))
		if err == nil && !removed {
			err = fmt.Errorf("token %s: %w", id, access.ErrNotFound)
		}
		return err
	})
}

// NoteUse implements [access.TokenStore].
func (s Tokens) NoteUse(ctx context.Context, used map[string]time.Time) error {
	return s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for id, at := range used {
			if _, err := tx.ExecContext(ctx, `UPDATE tokens SET used_at = $2 WHERE id = $1 AND used_at < $2`, id, micro(at)); err != nil {
				return fmt.Errorf("ledger: tokens: %w", err)
			}
		}
		return nil
	})
}

// PurgeTokens implements [access.TokenStore].
func (s Tokens) PurgeTokens(ctx context.Context, before, granted time.Time) error {
	return s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE expires_at > 0
			AND (expires_at < $1 OR parent IS NOT NULL AND expires_at < $2)`, micro(before), micro(granted)); err != nil {
			return fmt.Errorf("ledger: tokens: %w", err)
		}
		return nil
	})
}

// changed reports whether a statement changed anything.
func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("ledger: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("ledger: %w", err)
	}
	return n > 0, nil
}
