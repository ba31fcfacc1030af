package jinja

// pos is a node's line in the template.
type pos int

func (p pos) line() int { return int(p) }

// expr is an expression.
type expr interface{ line() int }

// ref is where a variable lies: in the slot of the scope that many scopes up.
type ref struct{ up, slot int }

// callArgs are the arguments of a call, filter or test.
type callArgs struct {
	pos   []expr
	names []string // of the keyword arguments
	kw    []expr
	dynPos,
	dynKw expr // *args and **kwargs, or nil
}

type (
	constExpr struct {
		pos
		value Value
	}
	// textExpr is the template's own text.
	textExpr struct {
		pos
		text string
	}
	nameExpr struct {
		pos
		name string
		ref  ref
	}
	// nsExpr is the target ns.attr of an assignment.
	nsExpr struct {
		pos
		name, attr string
		ref        ref
	}
	tupleExpr struct {
		pos
		items []expr
	}
	listExpr struct {
		pos
		items []expr
	}
	dictExpr struct {
		pos
		keys, values []expr
	}
	condExpr struct {
		pos
		test, then, orelse expr // orelse may be nil
	}
	// logicExpr is "and" or "or".
	logicExpr struct {
		pos
		and         bool
		left, right expr
	}
	notExpr struct {
		pos
		x expr
	}
	// unaryExpr is + or -.
	unaryExpr struct {
		pos
		op string
		x  expr
	}
	binaryExpr struct {
		pos
		op          string
		left, right expr
	}
	compareExpr struct {
		pos
		first expr
		ops   []string
		rest  []expr
	}
	// concatExpr joins texts by ~.
	concatExpr struct {
		pos
		items []expr
	}
	getattrExpr struct {
		pos
		x    expr
		attr string
	}
	getitemExpr struct {
		pos
		x, index expr
	}
	sliceExpr struct {
		pos
		start, stop, step expr // nil where left out
	}
	callExpr struct {
		pos
		fn   expr
		args callArgs
	}
	filterExpr struct {
		pos
		x    expr // nil: the text of the block the filter stands on
		name string
		args callArgs
	}
	testExpr struct {
		pos
		x    expr
		name string
		args callArgs
	}
)

// stmt is a statement.
type stmt interface{ line() int }

// signature is the parameters of a macro or call block; the last len(defaults) of them have defaults.
type signature struct {
	params   []*nameExpr
	defaults []expr
}

// macroBody is a signature, its body and what the analysis found of it.
type macroBody struct {
	signature
	body                    []stmt
	frame                   *frame
	caller, kwargs, varargs int // slots of the special variables, or -1
}

type (
	outputStmt struct {
		pos
		items []expr
	}
	ifStmt struct {
		pos
		test   expr
		body   []stmt
		elifs  []*ifStmt
		orelse []stmt
	}
	forStmt struct {
		pos
		target, iter, test expr // test may be nil
		body, orelse       []stmt
		recursive          bool
		loop               int // slot of the loop variable in bodyFrame, or -1
		bodyFrame          *frame
		elseFrame          *frame
		testFrame          *frame
		testTarget         expr // target in testFrame
	}
	macroStmt struct {
		pos
		target *nameExpr
		macroBody
	}
	// callStmt is a call block, or a generation block where call is nil.
	callStmt struct {
		pos
		call *callExpr
		macroBody
	}
	filterStmt struct {
		pos
		filter *filterExpr
		body   []stmt
		frame  *frame
	}
	setStmt struct {
		pos
		target, value expr
	}
	setBlockStmt struct {
		pos
		target expr
		filter *filterExpr // may be nil
		body   []stmt
		frame  *frame
	}
	withStmt struct {
		pos
		targets, values []expr
		body            []stmt
		frame           *frame
	}
	// jumpStmt is break or continue.
	jumpStmt struct {
		pos
		jump jump
	}
)
