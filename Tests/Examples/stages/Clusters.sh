# A fleet, what `workbench task` makes of its tasks elsewhere, and a run of a week.
cp Scenarios/many-accounts.yaml fleet.yaml
workbench run fleet.yaml --emit-tasks --store elsewhere > .tasks
for index in $(seq 0 $(($(wc -l < .tasks) - 1))); do
  workbench task --tasks .tasks --store elsewhere --index "$index" --results results
done
sed "s/^name: steady/name: week/" Scenarios/steady.yaml > .week.yaml
workbench run .week.yaml -o Outputs/week --quiet
