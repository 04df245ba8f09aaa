package vnfpkg

import "time"

// EventType is what happened to a package.
type EventType string

// The events that others can be notified of (SOL005, clauses 9.5.2.8 and
// 9.5.2.9).
const (
	// EventOnboarded: the package is ONBOARDED.
	EventOnboarded EventType = "onboarded"
	// EventOperational: the operational state changed.
	EventOperational EventType = "operational"
	// EventDeleted: an onboarded package was deleted.
	EventDeleted EventType = "deleted"
)

// Event is something that happened to an onboarded package. It is told in the
// transaction of the change, and has the package as it was after it, or, for one
// that was deleted, before. It is plain data.
type Event struct {
	Type    EventType `json:"type"`
	At      time.Time `json:"at"`
	Project string    `json:"project"`
	// Package is the ID of the package.
	Package string `json:"package"`
	// DescriptorID is the vnfdId, empty where the package has none.
	DescriptorID string `json:"descriptorId,omitempty"`
	Vendor       string `json:"vendor,omitempty"`
	Name         string `json:"name"`
	Version      string `json:"version,omitempty"`
	// SoftwareVersion is that of [tosca.Package].
	SoftwareVersion string      `json:"softwareVersion,omitempty"`
	Operational     Operational `json:"operational"`
	InUse           bool        `json:"inUse,omitempty"`
}

// Identity is by what others know an onboarded package.
type Identity struct {
	DescriptorID    string `json:"descriptorId,omitempty"`
	Vendor          string `json:"vendor,omitempty"`
	Name            string `json:"name,omitempty"`
	Version         string `json:"version,omitempty"`
	SoftwareVersion string `json:"softwareVersion,omitempty"`
}

// identity returns the identity of an onboarded package.
func (r Resource) identity() (Identity, error) {
	model, err := r.Model()
	if err != nil || model == nil {
		return Identity{}, err
	}
	return Identity{DescriptorID: model.DescriptorID, Vendor: model.Vendor, Name: model.Name, Version: model.Version,
		SoftwareVersion: model.SoftwareVersion}, nil
}

// event describes what happened to the package of a row just now.
func (s *Service) event(kind EventType, row Row) *Event {
	is := row.Identity
	return &Event{Type: kind, At: s.now(), Project: row.Project, Package: row.ID, DescriptorID: is.DescriptorID, Vendor: is.Vendor,
		Name: is.Name, Version: is.Version, SoftwareVersion: is.SoftwareVersion, Operational: row.Operational, InUse: row.InUse}
}
