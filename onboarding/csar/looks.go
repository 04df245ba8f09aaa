package csar

// SniffLen is how many bytes [Looks] wants to see.
const SniffLen = sniffLen

// Looks reports whether bytes that begin with head may be a package. It tells
// packages from the files beside them; only Open says whether they are one.
func Looks(head []byte) bool { return sniff(head) != formatUnknown }

// Streams reports whether a package that begins with head can be opened while it
// arrives, as a tar can, or is stored before it is opened, as a zip is.
func Streams(head []byte) bool { f := sniff(head); return f != formatUnknown && f != formatZip }
