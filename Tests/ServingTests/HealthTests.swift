import Testing

@testable import PrimerServing
