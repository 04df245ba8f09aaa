// Package openbaton is the door of Open Baton's programs: the REST API of its NFVO
// (6.x), as far as packages and images go.
//
//	POST /oauth/token                   name and secret of a token for a token that ends
//	/api/v1/projects                    the projects in which the caller has a role
//	/api/v1/vnf-packages                upload, list, show, delete; scripts; by link
//	/api/v1/csar-vnfd, csar-nsd         upload of a CSAR
//	/api/v1/nfvimage                    add, list, show, delete; the file for one-image tokens
//
// A request that brings a package is answered when the package is onboarded or
// refused, and the message of an error has every finding. A package whose image has
// the name of one that is there is onboarded with the one that is there; the image
// API refuses a name that is taken.
//
// What a package says never changes here, since its fingerprint tells it from
// others: requests that would change it are refused and say what to do instead.
package openbaton
