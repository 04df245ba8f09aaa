// Package etsi is the two doors of ETSI's VNF package management: SOL005 for those
// who manage packages, below /sol005, and SOL003 for VNF managers, which only read
// and subscribe, below /sol003. They follow the editions 2.6.1; what later ones say
// better is there, too: the state ERROR with onboardingFailureDetails, all artifacts
// as one archive, and the manifest. Version v2 of the path is the same.
//
// One root could not serve both: what SOL005 writes, SOL003 answers with 405.
//
//	/vnf_packages             list, create        sol013 reads the queries
//	  /{id}                   show, change, delete
//	    /package_content      receive, send       also upload_from_uri
//	    /vnfd /manifest /artifacts                what is in it
//	/onboarded_vnf_packages   the same by vnfdId  SOL003 only, reading
//	/subscriptions            list, make, end
//
// The door only translates. States, uploads and deletion are package vnfpkg's,
// subscriptions package notify's.
package etsi
