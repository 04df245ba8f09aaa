// Package onboarding is the pipeline: packages in, launches out. It composes
// the three parts that know nothing of each other: tosca (what a package says),
// imagerepo (names, files, digests) and vim (clouds).
//
//	Source ─▶ open ─▶ describe ─▶ stage ─▶ identify ─▶ fetch ─▶ commit      launch ─▶ VIM
//	          csar     tosca      Intake   names       URLs     catalogue   vim
//
// Open reads the container and describe what the package says. Stage takes its
// image files in and compares them with what is said of them. Identify proves
// the other files, and finds out what the repository has of the package and of
// the names of its images. Fetch takes in the images by URL, last, as it is the
// dearest.
//
// [Pipeline.Onboard] takes one package through the stages, [Pipeline.Validate]
// does so without storing anything, and [Batch] runs many at once.
// [Pipeline.Launch] gives VIMs what a package needs. A package that is refused
// comes back as a [Report] with every finding, not as an error: an error means
// that the question could not be answered.
//
// Nothing is visible before commit, which is one transaction; whatever ends a
// stage before that leaves nothing behind.
package onboarding
