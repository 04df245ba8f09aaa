package access

import (
	"cmp"
	"errors"
	"time"
)

// Config is what can be configured of tokens, logins and the audit log. The
// zero value works.
type Config struct {
	// GrantLifetime is how long a token is good that the password grant gives.
	// The default is 12 h.
	GrantLifetime time.Duration `yaml:"grant-lifetime"`
	// FailedLogins is how many logins of one address may fail in a minute before
	// it has to wait. The default is 10.
	FailedLogins int `yaml:"failed-logins"`
	// AuditRetention is how long events are kept in the audit log. The default
	// is 8760 h, a year.
	AuditRetention time.Duration `yaml:"audit-retention"`
}

// Check returns everything that is wrong.
func (c Config) Check() error {
	var errs []error
	if c.GrantLifetime < 0 {
		errs = append(errs, errors.New("grant-lifetime: is negative"))
	}
	if c.FailedLogins < 0 {
		errs = append(errs, errors.New("failed-logins: is negative"))
	}
	if c.AuditRetention < 0 {
		errs = append(errs, errors.New("audit-retention: is negative"))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	c.GrantLifetime = cmp.Or(c.GrantLifetime, 12*time.Hour)
	c.FailedLogins = cmp.Or(c.FailedLogins, 10)
	c.AuditRetention = cmp.Or(c.AuditRetention, 365*24*time.Hour)
	return c
}
