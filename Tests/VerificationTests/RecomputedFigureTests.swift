import Aggregation
import Testing
import Verification

@Suite("The second opinion's list")
struct RecomputedFigureTests {
  @Test("every figure of the dashboard has one place in it, or a reason to have none")
  func complete() {
    let filters = DashboardFilter.allCases.map { "query.\($0.name)" }
    let judged = RecomputedFigure.all.map(\.path)
    let others = RecomputedFigure.others.map(\.path) + filters
    #expect(Set(judged).count == judged.count && Set(judged).isDisjoint(with: others))
    #expect(Set(judged + others) == Set(Dashboard.group.paths().map(\.path)))
  }

  @Test("a figure in a list is computed for each element, others for the answer")
  func places() {
    for figure in RecomputedFigure.all {
      #expect(figure.path.contains("[].") == (figure.place != .answer), "\(figure.path)")
    }
  }
}
