package vnfpkg

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/tosca"
)

// State is where a resource is on its way to a package (SOL005, clause 9.5.6.3).
type State string

// The states, as the ETSI APIs spell them.
const (
	Created    State = "CREATED"
	Uploading  State = "UPLOADING"
	Processing State = "PROCESSING"
	Onboarded  State = "ONBOARDED"
	// Error: the package was refused or could not be onboarded; see
	// [Resource].Failure. Such a resource can only be deleted.
	Error State = "ERROR"
)

// Operational says whether a package may be instantiated (SOL005, clause
// 9.5.6.4).
type Operational string

// The operational states, as the ETSI APIs spell them.
const (
	Enabled  Operational = "ENABLED"
	Disabled Operational = "DISABLED"
)

// Resource is a package resource. It is plain data.
type Resource struct {
	// ID is a UUID; it is the ID of the package in the catalogue, too.
	ID      string
	Project string
	State   State
	// Operational is Disabled until the package is onboarded, and Enabled then,
	// until it is changed.
	Operational Operational
	// InUse is set while a launch of the package is under way.
	InUse bool
	// UserData is what the caller keeps with the resource, any JSON object.
	UserData map[string]any
	// Unique makes a package that the project has already an error, and also one
	// whose descriptor has the ID of another's. Otherwise the resource gives way to
	// the package that is there, and descriptors may have what IDs they like.
	Unique bool
	// OneShot makes the resource go with an upload that breaks off or expires,
	// instead of being CREATED again, and some time after it became ERROR.
	OneShot bool
	// Options say how the package is onboarded.
	Options Options
	// Size is the size of the archive in bytes, or -1 while it is not known.
	Size int64
	// Received is how many bytes of the archive have arrived. While an upload is
	// under way it lags behind; see [Service.Offset].
	Received int64
	// SHA256 is the digest of the whole archive in lower-case hex. It is empty
	// until the archive is whole.
	SHA256 string
	// Job is the ID of the job that works, or worked, at the resource.
	Job string
	// Failure says why the state is Error; else it is nil.
	Failure *Failure
	// Filename is what the caller calls the archive, or empty.
	Filename string
	// Kept is set while the archive is there, so that [Service.Content] has it.
	Kept bool
	// ExpiresAt is when a resumable upload that makes no progress is given up. It
	// is zero otherwise.
	ExpiresAt time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
	// Version grows with every change that a caller can see, but for Received and
	// InUse. It is zero for a package that came by the command line and was never
	// changed.
	Version int64
	// Package is the package in the catalogue, with its record, once the state
	// is Onboarded; else it is nil.
	Package *imagerepo.Package
}

// Model returns what the package says, or nil before it is onboarded.
func (r Resource) Model() (*tosca.Package, error) {
	if r.Package == nil {
		return nil, nil
	}
	var model tosca.Package
	if err := json.Unmarshal(r.Package.Record, &model); err != nil {
		return nil, fmt.Errorf("record of package %s: %w", r.ID, err)
	}
	return &model, nil
}

// Options say how the package of a resource is onboarded; see
// [onboarding.Options]. The zero value means the defaults there.
type Options struct {
	OnConflict onboarding.Conflict  `json:"onConflict,omitempty"`
	Images     onboarding.URLImages `json:"images,omitempty"`
}

// Failure says why a package was not onboarded.
type Failure struct {
	// Detail is one sentence.
	Detail string `json:"detail"`
	// Findings are all that is wrong with the package. They are empty if it was
	// not the package that was at fault.
	Findings tosca.Findings `json:"findings"`
}

// NewResource is a resource to be created.
type NewResource struct {
	Project  string
	UserData map[string]any
	Unique   bool
	OneShot  bool
	Options  Options
}

// Filter selects resources. Zero fields select everything.
type Filter struct {
	Project string
	// After selects those that come after the one of this ID, for paging.
	After string
}

// Change is what a caller may change. Nil fields stay as they are.
type Change struct {
	Operational *Operational
	// UserData has the members to set; a nil value removes a member (RFC 7396).
	UserData map[string]any
	// IfVersion, if not nil, must be the resource's version, else the change
	// fails with ErrVersion.
	IfVersion *int64
}

// DeleteOptions say how to delete.
type DeleteOptions struct {
	// Strict refuses, with a *StateError, to delete a package that is in use or
	// enabled (SOL005, clause 9.4.3.3.5).
	Strict bool
	// KeepImages leaves the images that only this package uses, as if a user had
	// added them.
	KeepImages bool
	// IfVersion, if not nil, must be the resource's version, else the deletion
	// fails with ErrVersion.
	IfVersion *int64
}
