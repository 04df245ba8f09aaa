package csar

import (
	"cmp"
	"slices"

	"github.com/gangway-nfv/gangway/tosca"
)

// The codes of this package's findings.
const (
	CodeNotAnArchive        tosca.Code = "not-an-archive"
	CodeNested              tosca.Code = "archive-nested"
	CodeCorrupt             tosca.Code = "archive-corrupt"
	CodeTruncated           tosca.Code = "archive-truncated"
	CodeTrailingData        tosca.Code = "archive-trailing-data"
	CodeSplit               tosca.Code = "archive-split"
	CodeEmpty               tosca.Code = "archive-empty"
	CodeTraversal           tosca.Code = "path-traversal"
	CodeNameInvalid         tosca.Code = "entry-name-invalid"
	CodeBackslash           tosca.Code = "entry-name-backslash"
	CodeDuplicate           tosca.Code = "entry-duplicate"
	CodeCaseDuplicate       tosca.Code = "entry-case-duplicate"
	CodeContradiction       tosca.Code = "entry-contradiction"
	CodeOverlap             tosca.Code = "entry-overlap"
	CodeEncrypted           tosca.Code = "entry-encrypted"
	CodeMethod              tosca.Code = "entry-method-unsupported"
	CodeTypeRefused         tosca.Code = "entry-type-refused"
	CodeLinkIgnored         tosca.Code = "entry-link-ignored"
	CodeLimitMembers        tosca.Code = "limit-members"
	CodeLimitMemberSize     tosca.Code = "limit-member-size"
	CodeLimitTotalSize      tosca.Code = "limit-total-size"
	CodeLimitRatio          tosca.Code = "limit-ratio"
	CodeLimitPath           tosca.Code = "limit-path"
	CodeLimitDirectory      tosca.Code = "limit-directory"
	CodeSignatureUnverified tosca.Code = "signature-not-verified"
	CodeSignatureMissing    tosca.Code = "signature-files-missing"
)

// codeTable is never written to.
var codeTable = []tosca.CodeInfo{
	{Code: CodeNested, Meaning: "A compressed stream holds something other than a tar.", Cure: "Send the zip or tar itself, with one compression around a tar at most."},
	{Code: CodeCorrupt, Meaning: "The archive's structure or a checksum in it is wrong.", Cure: "Build or transfer the package again."},
	{Code: CodeEmpty, Meaning: "The archive has no members.", Cure: "Build the package again with its files."},
	{Code: CodeSplit, Meaning: "The zip is one part of several.", Cure: "Join the parts into one zip."},
	{Code: CodeTrailingData, Meaning: "Something other than zeros follows the end of the archive.", Cure: "Remove what follows; two archives cannot be concatenated."},
	{Code: CodeTruncated, Meaning: "The archive ends before its end.", Cure: "Transfer the package again and compare its size with the original's."},
	{Code: CodeCaseDuplicate, Meaning: "Two members' names differ in nothing but case.", Cure: "Rename one of them."},
	{Code: CodeContradiction, Meaning: "The archive says two different things about one member.", Cure: "Build the package again with a common zip or tar program."},
	{Code: CodeDuplicate, Meaning: "Two members have the same name, or one's name is another's folder.", Cure: "Keep one of them; tar --append adds a second copy instead of replacing the first."},
	{Code: CodeEncrypted, Meaning: "A member is encrypted.", Cure: "Build the package without a password."},
	{Code: CodeLinkIgnored, Meaning: "A symbolic link within the package is left out, as links are never followed.", Cure: "Put a copy in the link's place (tar --dereference)."},
	{Code: CodeMethod, Meaning: "A zip member is neither stored nor deflated.", Cure: "Build the zip with method deflate or store, which SOL004 packages use."},
	{Code: CodeBackslash, Meaning: "A zip parts folders by backslashes, which were read as slashes.", Cure: "Build the zip with a program that writes slashes (APPNOTE.TXT, 4.4.17.1)."},
	{Code: CodeNameInvalid, Meaning: "A member's name is empty, not UTF-8, or holds control characters or backslashes.", Cure: "Rename the file."},
	{Code: CodeOverlap, Meaning: "Two zip members share bytes of the file.", Cure: "Build the package again with a common zip program."},
	{Code: CodeTypeRefused, Meaning: "A member is a device, a pipe, a sparse file, a hard link, or a link out of the package.", Cure: "Put regular files in their place (tar --dereference --hard-dereference, without --sparse)."},
	{Code: CodeLimitDirectory, Meaning: "The zip's directory is larger than the names of an honest package need.", Cure: "Shorten names, extra fields and comments."},
	{Code: CodeLimitMemberSize, Meaning: "A member is larger than the limit.", Cure: "Raise the limit if the package is trusted."},
	{Code: CodeLimitMembers, Meaning: "The archive has more members than the limit.", Cure: "Pack scripts into an archive of their own, or raise the limit if the package is trusted."},
	{Code: CodeLimitPath, Meaning: "A member's path is longer or deeper than the limit.", Cure: "Shorten the path."},
	{Code: CodeLimitRatio, Meaning: "The content is so much larger than its compressed form that it looks like a bomb.", Cure: "Store the image as qcow2, or raise the limit if the package is trusted."},
	{Code: CodeLimitTotalSize, Meaning: "The members together are larger than the limit.", Cure: "Raise the limit if the package is trusted."},
	{Code: CodeNotAnArchive, Meaning: "The bytes are neither a zip nor a tar, plain or compressed by gzip, xz, zstd or bzip2.", Cure: "Send the package itself, not a page or a file that refers to it."},
	{Code: CodeTraversal, Meaning: "A member's name is absolute or leads out of the package.", Cure: "Build the package from within its folder, so that names are relative."},
	{Code: CodeSignatureMissing, Meaning: "A zip holds only another CSAR and no signature of it.", Cure: "Add the .cms signature beside the CSAR (SOL004, option 2), or send the inner CSAR itself."},
	{Code: CodeSignatureUnverified, Meaning: "The package comes in a signed envelope whose signature is not verified.", Cure: "Verify the signature before onboarding, if it matters."},
}

// Codes returns the documentation of every code, sorted by code.
func Codes() []tosca.CodeInfo {
	out := slices.Clone(codeTable)
	slices.SortFunc(out, func(a, b tosca.CodeInfo) int { return cmp.Compare(a.Code, b.Code) })
	return out
}
