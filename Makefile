# The two commands of the README are `make demo` and `make test`. The work is done in scripts/.
.PHONY: build demo test lint format tidy clean

build:
	@scripts/setup.sh
	@scripts/build.sh release

demo: build
	@scripts/demo.sh

test:
	@scripts/test.sh

lint:
	@scripts/setup.sh --strict
	@scripts/lint.sh

format:
	@scripts/setup.sh --strict
	@scripts/lint.sh --fix

tidy:
	@scripts/setup.sh --strict
	@scripts/tidy.sh

clean:
	rm -rf build
