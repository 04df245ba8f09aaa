package imagerepo

// ProblemKind is a kind of damage that [Repository.Doctor] finds. The values
// are stable.
type ProblemKind string

// The kinds of problems.
const (
	// CatalogueDamaged: the catalogue's own check fails.
	CatalogueDamaged ProblemKind = "catalogue-damaged"
	// FileMissing: a stored image has no file.
	FileMissing ProblemKind = "file-missing"
	// FileSize: the file of an image has another size than was stored.
	FileSize ProblemKind = "file-size"
	// FileCorrupt: the file of an image has another SHA-256 than was stored.
	FileCorrupt ProblemKind = "file-corrupt"
	// FileUnreadable: the file of an image cannot be read.
	FileUnreadable ProblemKind = "file-unreadable"
	// FileOrphan: a file is named by an ID of which the catalogue has no stored
	// image.
	FileOrphan ProblemKind = "file-orphan"
	// ContentNotLinked: images with the same bytes take their room twice.
	ContentNotLinked ProblemKind = "content-not-linked"
	// StagingLitter: a process that was killed left something half done.
	StagingLitter ProblemKind = "staging-litter"
	// ImageGone: a package refers to an image that was deleted.
	ImageGone ProblemKind = "image-gone"
)

// DoctorOptions tells how a repository is examined.
type DoctorOptions struct {
	// Repair mends what can be mended without anything being lost.
	Repair bool
	// Quick looks at names and sizes only, and reads no file that looks whole.
	Quick bool
	// Progress, if set, is called as images are examined, and every few
	// hundred KiB while a file is read. It is not called concurrently.
	Progress func(DoctorProgress)
}

// DoctorProgress is how far an examination has come.
type DoctorProgress struct {
	Images int   // stored images that were examined
	Bytes  int64 // read from files so far
}

// Diagnosis is what an examination found.
type Diagnosis struct {
	Images   int       `json:"images" yaml:"images"` // stored images that were examined
	Files    int       `json:"files" yaml:"files"`   // whose bytes are stored in that many files
	Bytes    int64     `json:"bytes" yaml:"bytes"`   // read from them
	Problems []Problem `json:"problems" yaml:"problems"`
}

// Healthy reports whether nothing is left to be mended.
func (d Diagnosis) Healthy() bool {
	for _, problem := range d.Problems {
		if !problem.Repaired {
			return false
		}
	}
	return true
}

// Problem is one thing that is not as it should be.
type Problem struct {
	Kind ProblemKind `json:"kind" yaml:"kind"`
	// Image and Name are the image's ID and name, Project is where it is; they
	// are empty where no image is concerned. An orphan has an ID only.
	Image   string `json:"image,omitempty" yaml:"image,omitempty"`
	Name    string `json:"name,omitempty" yaml:"name,omitempty"`
	Project string `json:"project,omitempty" yaml:"project,omitempty"`
	// Package is the one that refers to an image which is gone.
	Package *PackageRef `json:"package,omitempty" yaml:"package,omitempty"`
	// Location is where an operator finds what is concerned.
	Location string `json:"location,omitempty" yaml:"location,omitempty"`
	Message  string `json:"message" yaml:"message"`
	// Repaired is set when the problem is no more.
	Repaired bool `json:"repaired" yaml:"repaired"`
	// Cure says what a repair does or, after one, what it did or what is left to
	// be done.
	Cure string `json:"cure" yaml:"cure"`
}

// aboutFile describes a problem with the file of an image.
func (r *Repository) aboutFile(kind ProblemKind, img Image, message string) Problem {
	return Problem{Kind: kind, Image: img.ID, Name: img.Name, Project: img.Project,
		Location: r.blobs.Location(img.ID), Message: message}
}
