"""The version of the project: the package, the command line and every results file read it here."""

VERSION = "0.2.0"
