# A morning in place of the week, so that the test of the page takes seconds.
cp -L Scenarios/capacity-week.yaml .whole.yaml && rm Scenarios && mkdir Scenarios
sed 's/, to: 2026-03-09 }/, to: 2026-03-02T12:00 }/' .whole.yaml > Scenarios/capacity-week.yaml
! cmp -s .whole.yaml Scenarios/capacity-week.yaml
