// swift-tools-version: 6.3
import PackageDescription

/// The layers, lowest first: what each may import is all that it lists. Folder = plain word,
/// module = `Primer` + word, so that no type is shadowed by its module.
struct Layer {
  let folder: String
  var imports: [String] = []
  var packages: [Target.Dependency] = []
  var module: String {
    folder.hasPrefix("C") && folder.dropFirst().first!.isUppercase ? folder : "Primer" + folder
  }
}

/// What the service stands on; no layer below it sees any of this.
let servicePackages: [Target.Dependency] = [
  .product(name: "Crypto", package: "swift-crypto"),
  .product(name: "CryptoExtras", package: "swift-crypto"),
  .product(name: "GRDB", package: "GRDB.swift"),
  .product(name: "Hummingbird", package: "hummingbird"),
  .product(name: "HummingbirdCore", package: "hummingbird"),
  .product(name: "HTTPTypes", package: "swift-http-types"),
  .product(name: "Logging", package: "swift-log"),
  .product(name: "Metrics", package: "swift-metrics"),
  .product(name: "CoreMetrics", package: "swift-metrics"),
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
  .product(name: "UnixSignals", package: "swift-service-lifecycle"),
]

/// `scripts/fuzz` builds the program that libFuzzer drives, which needs nothing from elsewhere.
let isFuzzing = Context.environment["PRIMER_FUZZ"] != nil

let allLayers: [Layer] = [
  Layer(folder: "Files"),
  Layer(folder: "Tensors", imports: ["CKernels"]),
  Layer(folder: "Layers", imports: ["PrimerTensors"]),
  Layer(folder: "Tokenizers", imports: ["PrimerFiles"]),
  Layer(folder: "Checkpoints", imports: ["PrimerFiles", "PrimerTensors", "PrimerTokenizers"]),
  Layer(folder: "Catalogue", imports: ["PrimerCheckpoints", "PrimerFiles", "CCatalogue"]),
  Layer(
    folder: "Models",
    imports: [
      "PrimerLayers", "PrimerTensors", "PrimerCheckpoints", "PrimerTokenizers", "PrimerFiles",
    ]),
  Layer(folder: "Datasets", imports: ["PrimerFiles", "PrimerTensors", "PrimerTokenizers"]),
  Layer(
    folder: "Generation",
    imports: [
      "PrimerModels", "PrimerLayers", "PrimerTensors", "PrimerTokenizers", "PrimerCheckpoints",
      "PrimerFiles",
    ]),
  Layer(
    folder: "Training",
    imports: [
      "PrimerModels", "PrimerLayers", "PrimerTensors", "PrimerDatasets", "PrimerCheckpoints",
      "PrimerTokenizers", "PrimerFiles", "CRecipes",
    ],
    packages: [.product(name: "Yams", package: "Yams")]),
  Layer(
    folder: "Alignment",
    imports: [
      "PrimerGeneration", "PrimerModels", "PrimerDatasets", "PrimerTensors", "PrimerTokenizers",
      "PrimerFiles",
    ]),
  Layer(
    folder: "Evaluation",
    imports: [
      "PrimerGeneration", "PrimerDatasets", "PrimerModels", "PrimerTensors", "PrimerTokenizers",
      "PrimerCheckpoints",
    ]),
  Layer(
    folder: "Serving",
    imports: [
      "PrimerGeneration", "PrimerModels", "PrimerTensors", "PrimerTokenizers", "PrimerCheckpoints",
      "PrimerFiles", "CWebPage",
    ],
    packages: servicePackages),
]

let layers = allLayers.filter { !isFuzzing || $0.packages.isEmpty }

/// `make check` lets no warning pass; others build with whatever their compiler has to say.
let isStrict = Context.environment["PRIMER_STRICT"] != nil

let swiftSettings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  ]
  + (isStrict ? [.treatAllWarnings(as: .error)] : [])

/// `PRIMER_TESTS=Tokenizers,Files swift test` builds and runs these test targets alone.
let chosenTests = Context.environment["PRIMER_TESTS"]?.split(separator: ",").map(String.init)

/// Test targets and what each looks at, beside `TestSupport`.
let allTests: [(name: String, imports: [String])] = [
  ("CKernels", ["CKernels"]),
  ("Files", ["PrimerFiles"]),
  ("Catalogue", ["PrimerCatalogue", "PrimerCheckpoints", "PrimerFiles"]),
  ("Tensors", ["PrimerTensors"]),
  ("Tokenizers", ["PrimerTokenizers", "PrimerFiles"]),
  ("Checkpoints", ["PrimerCheckpoints", "PrimerFiles", "PrimerTensors", "PrimerTokenizers"]),
  ("Models", ["PrimerModels", "PrimerLayers", "PrimerTensors", "PrimerCheckpoints"]),
  ("Datasets", ["PrimerDatasets", "PrimerTokenizers", "PrimerTensors", "PrimerFiles"]),
  (
    "Generation",
    ["PrimerGeneration", "PrimerModels", "PrimerLayers", "PrimerTensors", "PrimerTokenizers"]
  ),
  (
    "Evaluation",
    [
      "PrimerEvaluation", "PrimerModels", "PrimerLayers", "PrimerTensors", "PrimerTokenizers",
    ]
  ),
  (
    "Training",
    [
      "PrimerTraining", "PrimerModels", "PrimerLayers", "PrimerTensors", "PrimerDatasets",
      "PrimerTokenizers", "PrimerFiles", "PrimerCheckpoints",
    ]
  ),
  (
    "Alignment",
    [
      "PrimerAlignment", "PrimerGeneration", "PrimerDatasets", "PrimerTensors", "PrimerCheckpoints",
    ]
  ),
  (
    "Serving",
    [
      "PrimerServing", "PrimerGeneration", "PrimerModels", "PrimerLayers", "PrimerTensors",
      "PrimerTokenizers", "PrimerFiles",
    ]
  ),
  ("CommandLine", ["primer", "PrimerGeneration"]),
  ("Fuzz", ["FuzzTargets"]),
  ("EndToEnd", ["PrimerTensors", "PrimerCheckpoints", "PrimerTokenizers"]),
]

let tests = allTests.filter { !isFuzzing && chosenTests?.contains($0.name) ?? true }

let programs: [Target] =
  isFuzzing
  ? [
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/FuzzProgram",
      swiftSettings: swiftSettings + [.unsafeFlags(["-parse-as-library"])])
  ]
  : [
    .executableTarget(
      name: "primer",
      dependencies: layers.map { .target(name: $0.module) } + [
        "CModerationHead",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Sources/CommandLine", swiftSettings: swiftSettings),
    // The page over answers from a script, for the tests that a browser runs.
    .executableTarget(
      name: "page-fixture",
      dependencies: ["PrimerServing", "PrimerGeneration"]
        + [.product(name: "Hummingbird", package: "hummingbird")],
      path: "Tests/PageFixture", swiftSettings: swiftSettings),
  ]

let package = Package(
  name: "primer",
  platforms: [.macOS(.v15)],
  products: layers.map { .library(name: $0.module, targets: [$0.module]) }
    + [.executable(name: programs[0].name, targets: [programs[0].name])],
  dependencies: isFuzzing
    ? []
    : [
      .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
      .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
      .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
      .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
      // Without its traits: no swift-configuration, which nothing here reads.
      .package(
        url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
      .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
      .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
      .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
      .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
      .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
  targets: [
    .target(
      name: "CKernels", path: "Sources/CKernels",
      // Unoptimised kernels would make every debug test crawl.
      cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]
        + (isStrict ? [.treatAllWarnings(as: .error)] : []),
      linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux]))]),
    .target(name: "CRecipes", path: "Sources/CRecipes"),
    .target(name: "CCatalogue", path: "Sources/CCatalogue"),
    .target(
      name: "CModerationHead", path: "Sources/CModerationHead", exclude: ["moderation.safetensors"]),
    .target(name: "CWebPage", path: "Sources/CWebPage", exclude: ["page"]),
  ]
    + layers.map {
      .target(
        name: $0.module, dependencies: $0.imports.map { .target(name: $0) } + $0.packages,
        path: "Sources/" + $0.folder, swiftSettings: swiftSettings)
    }
    + [
      .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: swiftSettings),
      // Readers of what comes from elsewhere, as the fuzzer and the tests call them.
      .target(
        name: "FuzzTargets",
        dependencies: [
          "PrimerCheckpoints", "PrimerFiles", "PrimerGeneration", "PrimerModels", "PrimerTensors",
          "PrimerTokenizers", "TestSupport",
        ],
        path: "Tests/FuzzTargets", exclude: ["Corpus", "Dictionaries"],
        swiftSettings: swiftSettings),
    ]
    + tests.map { test in
      .testTarget(
        name: test.name + "Tests",
        dependencies: (test.imports + ["TestSupport"]).map { .target(name: $0) }
          + (test.name == "EndToEnd" ? [.target(name: "primer")] : [])
          + (test.name == "CommandLine"
            ? [.product(name: "ArgumentParser", package: "swift-argument-parser")] : [])
          + (test.name == "Serving"
            ? servicePackages + [
              .product(name: "NIOEmbedded", package: "swift-nio"),
              // Reads OpenAI's specification, which is YAML.
              .product(name: "Yams", package: "Yams"),
            ] : []),
        path: "Tests/\(test.name)Tests", swiftSettings: swiftSettings)
    }
    + programs
)
