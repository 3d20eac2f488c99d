import Metrics

/// What the service counts; names as vLLM's where they mean the same.
struct ServiceMeters: Sendable {
  func measured<Result>(_ result: Result) -> Result { result }
}
