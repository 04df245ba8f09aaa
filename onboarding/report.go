package onboarding

import (
	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/tosca"
)

// Status is how an onboarding ended.
type Status string

const (
	// Onboarded: the package and its images are in the repository.
	Onboarded Status = "onboarded"
	// Unchanged: it was there already, and nothing was stored.
	Unchanged Status = "unchanged"
	// Valid: it would be accepted; nothing was to be stored.
	Valid Status = "valid"
	// Rejected: something is wrong with the package, see the findings.
	Rejected Status = "rejected"
	// Failed: the package could not be judged or stored, see the error.
	Failed Status = "failed"
)

// Report is the outcome of one package. It is what doors print.
type Report struct {
	Source   string         `json:"source" yaml:"source"`
	Status   Status         `json:"status" yaml:"status"`
	Package  *PackageReport `json:"package,omitempty" yaml:"package,omitempty"`
	Images   []ImageReport  `json:"images" yaml:"images"`
	Findings tosca.Findings `json:"findings" yaml:"findings"`
	// Error says why the status is Failed.
	Error string `json:"error,omitempty" yaml:"error,omitempty"`
	// Cause is what kind of reason that is, where the server knows it.
	Cause Cause `json:"cause,omitempty" yaml:"cause,omitempty"`
}

// Cause says why something failed that is not the package's fault.
type Cause string

const (
	// CauseLimit: there is a limit that it would exceed.
	CauseLimit Cause = "limit"
	// CauseSpace: the disk is full.
	CauseSpace Cause = "space"
	// CauseInternal: the server's own files are at fault.
	CauseInternal Cause = "internal"
)

// PackageReport names the package. ID is empty for one that is not stored.
type PackageReport struct {
	ID      string        `json:"id,omitempty" yaml:"id,omitempty"`
	Name    string        `json:"name" yaml:"name"`
	Vendor  string        `json:"vendor" yaml:"vendor"`
	Version string        `json:"version" yaml:"version"`
	Dialect tosca.Dialect `json:"dialect" yaml:"dialect"`
	VDUs    int           `json:"vdus" yaml:"vdus"`
}

// Action says what became of an image of a package, or, in a dry run, what
// would.
type Action string

const (
	// Stored: its bytes were written.
	Stored Action = "stored"
	// Reused: its bytes were in the repository.
	Reused Action = "reused"
	// Kept: the name belongs to other bytes, which stay (see [Keep]).
	Kept Action = "kept"
	// Referenced: only the URL was stored.
	Referenced Action = "referenced"
)

// ImageReport is the outcome of one image of a package.
type ImageReport struct {
	ID      string            `json:"id,omitempty" yaml:"id,omitempty"`
	Name    string            `json:"name" yaml:"name"`
	Size    int64             `json:"size" yaml:"size"` // bytes
	Digests imagerepo.Digests `json:"digests,omitempty" yaml:"digests,omitempty"`
	Action  Action            `json:"action,omitempty" yaml:"action,omitempty"`
}

// FailedReport returns the report of a package, or of an image without one, that could
// not be judged or stored.
func FailedReport(source string, err error) Report {
	return Report{Source: source, Status: Failed, Images: []ImageReport{}, Findings: tosca.Findings{}, Error: err.Error()}
}

func (j *job) report(status Status) Report {
	report := Report{Source: j.source, Status: status, Images: []ImageReport{}, Findings: append(tosca.Findings{}, j.findings.Sorted()...)}
	stored := status == Onboarded || status == Unchanged
	if j.record != nil || j.pkg != nil && j.pkg.Name != "" {
		report.Package = &PackageReport{Name: j.pkg.Name, Vendor: j.pkg.Vendor, Version: j.pkg.Version,
			Dialect: j.pkg.Dialect, VDUs: len(j.pkg.VDUs)}
		if stored {
			report.Package.ID = j.record.ID
		}
	}
	for _, img := range j.images {
		told := ImageReport{Name: img.description.Name, Size: img.Size, Digests: img.Digests}
		if stored || status == Valid {
			told.Action = img.action
		}
		switch {
		case img.owner == nil && stored:
			told.ID = img.id
		case img.owner != nil && stored:
			told.ID = img.owner.ID
		}
		if told.Action == Kept {
			told.Size, told.Digests = img.owner.Size, img.owner.Digests
		}
		report.Images = append(report.Images, told)
	}
	return report
}
