import Aggregation
import Foundation

/// The description of the API: `openapi.yaml`, where it stands for lists of other rooms with those lists.
enum OpenAPI {
  /// - Parameter template: the file.
  static func description(_ template: Data) -> Data {
    let filters = DashboardFilter.allCases.map { filter in
      let format = filter.isInstant ? ", format: date-time" : ""
      return
        "        - { name: \(filter.name), in: query, schema: { type: string\(format) }, description: \"\(filter.about)\" }\n"
    }
    return Data(
      String(decoding: template, as: UTF8.self)
        .replacing("        # FILTERS\n", with: filters.joined())
        .replacing("[ PARTS ]", with: "[ \(Dashboard.parts.joined(separator: ", ")) ]")
        .utf8)
  }
}

/// A figure of the dashboard as a page or another client shows it.
struct FigureLabel: Encodable {
  /// In a dashboard's JSON; `[]` stands for each element of a list.
  let path: String
  let label: String
  /// Of a number; absent for counts and texts.
  let unit: FigureUnit?

  static let all = Dashboard.group.paths().map { path, figure in
    if case .number(let unit, _, _) = figure.kind {
      FigureLabel(path: path, label: figure.label, unit: unit)
    } else {
      FigureLabel(path: path, label: figure.label, unit: nil)
    }
  }
}
