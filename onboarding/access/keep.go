package access

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const (
	// flushEvery is how often the uses of tokens are stored.
	flushEvery = time.Minute
	// purgeEvery is how often what is old is removed.
	purgeEvery = time.Hour
	// expiredShown is how long an expired token is still listed.
	expiredShown = 30 * 24 * time.Hour
)

// Keep keeps the store in order until the context ends: it stores when tokens
// were last used, and removes expired tokens and old events. A server runs it
// once, and waits for it at its end.
func Keep(ctx context.Context, tokens *Tokens, audit *Audit, log *slog.Logger) {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	var purged time.Time
	for {
		errs := []error{tokens.flush(ctx)}
		if now := time.Now(); now.Sub(purged) >= purgeEvery {
			purged = now
			errs = append(errs,
				tokens.store.PurgeTokens(ctx, now.Add(-expiredShown), now),
				audit.store.PurgeEvents(ctx, now.Add(-audit.retention)))
		}
		if err := errors.Join(errs...); err != nil && ctx.Err() == nil {
			log.Error("tokens and audit log could not be kept in order", "err", err)
		}
		select {
		case <-ctx.Done():
			if err := tokens.flush(context.WithoutCancel(ctx)); err != nil {
				log.Error("uses of tokens could not be stored", "err", err)
			}
			return
		case <-ticker.C:
		}
	}
}
