/// Formats of strings as patterns. Each allows only what the format's definition does, and of the
/// larger ones (addresses, references) the usual part.
enum StringFormats {
  /// Anchored; nil where a format is not known.
  static func pattern(of format: String) -> String? { patterns[format].map { "^(?:\($0))$" } }

  private static let patterns: [String: String] = [
    "date": date,
    "time": "\(clock)\(zone)",
    "date-time": "(?:\(date))T\(clock)\(zone)",
    "duration": duration,
    "email": "\(mailbox)@\(host)",
    "idn-email": "\(mailbox)@\(host)",
    "hostname": host,
    "idn-hostname": host,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "uuid": "\(hex){8}-\(hex){4}-\(hex){4}-\(hex){4}-\(hex){12}",
    "uri": uri,
    "iri": uri,
    "uri-reference": "\(uri)|\(path)",
    "iri-reference": "\(uri)|\(path)",
    "uri-template": "\(uri)|\(path)",
    "json-pointer": pointer,
    "relative-json-pointer": "(?:0|[1-9][0-9]{0,3})(?:#|\(pointer))",
  ]

  private static let hex = "[0-9a-fA-F]"
  /// RFC 3339, with the days that months have.
  private static let date =
    "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    + "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    + "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])"
    + "|(?:[02468][048]|[13579][26])00)-02-29"
  private static let clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?"
  private static let zone = "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
  /// RFC 3339, appendix A.
  private static let duration: String = {
    let count = "[0-9]{1,6}"
    let seconds = "\(count)S"
    let minutes = "\(count)M(?:\(seconds))?"
    let hours = "\(count)H(?:\(minutes))?"
    let time = "T(?:\(hours)|\(minutes)|\(seconds))"
    let months = "\(count)M(?:\(count)D)?"
    let years = "\(count)Y(?:\(months))?"
    return "P(?:(?:\(years)|\(months)|\(count)D)(?:\(time))?|\(time)|\(count)W)"
  }()
  private static let label = "[A-Za-z0-9]{1,31}(?:-[A-Za-z0-9]{1,31})?"
  private static let host = "\(label)(?:\\.\(label)){0,2}"
  private static let mailbox = "[A-Za-z0-9_+-]{1,20}(?:\\.[A-Za-z0-9_+-]{1,20}){0,2}"
  private static let ipv4: String = {
    let byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    return "\(byte)(?:\\.\(byte)){3}"
  }()
  /// RFC 4291, without addresses that end in one of IPv4.
  private static let ipv6: String = {
    let group = "\(hex){1,4}"
    var forms = ["(?:\(group):){7}\(group)"]
    for before in 0...7 {
      // "::" stands for one group of zeros or more.
      let head = before == 0 ? "" : "\(group)(?::\(group)){\(before - 1)}"
      let room = 7 - before
      forms.append(
        room == 0 ? "\(head)::" : "\(head)::(?:\(group)(?::\(group)){0,\(room - 1)})?")
    }
    return forms.joined(separator: "|")
  }()
  private static let segment = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%\(hex){2})"
  private static let path = "/(?:\(segment)+/)*(?:\(segment)+)?"
  private static let uri =
    "[a-z][a-z0-9+.-]{0,15}://\(host)(?::[0-9]{1,4})?(?:/\(segment)*)*"
    + "(?:\\?(?:\(segment)|[/?])*)?(?:#(?:\(segment)|[/?])*)?"
  /// RFC 6901.
  private static let pointer = "(?:/(?:[^~/]|~[01])*)*"
}
