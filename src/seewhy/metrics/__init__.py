"""Judging explanations by numbers: faithfulness, sufficiency, stability, agreement, cost."""
