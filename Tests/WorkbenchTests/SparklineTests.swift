import Telemetry
import Testing
import workbench

@Suite("Sparklines")
struct SparklineTests {
  @Test("an hour without requests keeps its place, as a gap")
  func gaps() {
    #expect(RequestsSparkline.columns([4, 0, 0, 2]) == [4, nil, nil, 2])
    #expect(Figure.chart(RequestsSparkline.columns([4, 0, 0, 2])) == "█  ▅")
    #expect(RequestsSparkline.columns([]) == [])
  }

  @Test("of more buckets than columns each column has its share, those without requests counted as none")
  func shares() {
    // 120 buckets: two a column.
    var buckets = [Int64](repeating: 10, count: 120)
    buckets[0] = 0
    buckets[118] = 0
    buckets[119] = 0
    let columns = RequestsSparkline.columns(buckets)
    #expect(columns.count == 60)
    #expect(columns.first == 5 && columns[1] == 10 && columns.last == .some(nil))
    // Every bucket is in one column, where columns do not divide them.
    let odd = RequestsSparkline.columns([Int64](repeating: 1, count: 91))
    #expect(odd.count == 60 && odd.allSatisfy { $0 == 1 })
  }
}
