package multiplechoice

import (
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// config is lm-eval's TaskConfig without what is absent and the metadata, in its
// order (config/task.py).
func (d *Definition) config() py.Object {
	c := py.Object{{Key: "task", Value: d.Task}}
	text := func(key, value string) {
		if value != "" {
			c.Set(key, value)
		}
	}
	text("task_alias", d.Alias)
	text("dataset_path", d.DatasetPath)
	text("dataset_name", d.DatasetName)
	text("training_split", d.TrainingSplit)
	text("validation_split", d.ValidationSplit)
	text("test_split", d.TestSplit)
	text("fewshot_split", d.FewshotSplit)
	c.Set("doc_to_text", d.DocToText)
	c.Set("doc_to_target", d.DocToTarget)
	c.Set("unsafe_code", false)
	c.Set("doc_to_choice", d.DocToChoice)
	text("process_results", d.ProcessResults)
	c.Set("description", d.Description)
	c.Set("target_delimiter", d.targetDelimiter())
	c.Set("fewshot_delimiter", d.fewshotDelimiter())
	c.Set("fewshot_config", fewshotConfig(d))
	c.Set("num_fewshot", shots(d))
	c.Set("metric_list", metricList(d))
	c.Set("output_type", "multiple_choice")
	c.Set("repeats", 1)
	c.Set("should_decontaminate", d.DecontaminationQuery != "")
	text("doc_to_decontamination_query", d.DecontaminationQuery)
	return c
}

func fewshotConfig(d *Definition) py.Object {
	sampler := d.Sampler
	if sampler == "" {
		sampler = "default"
	}
	return py.Object{
		{Key: "sampler", Value: sampler},
		{Key: "split", Value: py.TextOrNone(d.FewshotSplit)},
		{Key: "process_docs", Value: nil},
		{Key: "fewshot_indices", Value: nil},
		{Key: "samples", Value: nil},
		{Key: "doc_to_text", Value: d.DocToText},
		{Key: "doc_to_choice", Value: d.DocToChoice},
		{Key: "doc_to_target", Value: d.DocToTarget},
		{Key: "gen_prefix", Value: nil},
		{Key: "fewshot_delimiter", Value: d.fewshotDelimiter()},
		{Key: "target_delimiter", Value: d.targetDelimiter()},
	}
}

func metricList(d *Definition) []py.Object {
	var list []py.Object
	for _, m := range d.Metrics {
		list = append(list, py.Object{{Key: "metric", Value: m}, {Key: "aggregation", Value: "mean"}, {Key: "higher_is_better", Value: true}})
	}
	return list
}
