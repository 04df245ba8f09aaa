package etsi

import (
	"strconv"
	"strings"

	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// etag is the entity tag of what is told of a package. Use is no change of it, but
// told.
func etag(r vnfpkg.Resource) string {
	tag := strconv.FormatInt(r.Version, 10)
	if r.InUse {
		tag += "-" + strings.ToLower(inUse)
	}
	return `"` + tag + `"`
}

// matches reports whether the list of a precondition has a tag or is an asterisk
// (RFC 9110, section 13.1). Tags that are weak match only weakly.
func matches(list, tag string, weakly bool) bool {
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if weakly {
			part = strings.TrimPrefix(part, "W/")
		}
		if part == "*" || part == tag {
			return true
		}
	}
	return false
}
