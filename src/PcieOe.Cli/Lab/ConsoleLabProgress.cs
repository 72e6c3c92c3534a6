using System.Diagnostics;
using System.Globalization;
using PcieOe.Cli.Lab.Scenarios;
using Spectre.Console;

namespace PcieOe.Cli.Lab;

/// <summary>
/// Progress on a terminal: a line that fills up for the step at hand, and a line for each step done. Where the output is no terminal,
/// the finished lines alone. It writes to standard error, so that the report has standard output for itself.
/// </summary>
internal sealed class ConsoleLabProgress : ILabProgress
{
    private const int BarWidth = 24;
    private const int NameWidth = 30;

    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
    private string _name = string.Empty;

    public void Begin(string name)
    {
        _name = name;
        Report(0);
    }

    public void Report(double part)
    {
        if (_isTerminal)
        {
            int filled = (int)Math.Round(Math.Clamp(part, 0, 1) * BarWidth);
            Console.Error.Write($"\r\x1b[2K{Elapsed()} {_name.PadRight(NameWidth)} [{new string('#', filled)}{new string('.', BarWidth - filled)}]");
        }
    }

    public void End(string result)
    {
        if (_isTerminal)
        {
            Console.Error.Write("\r\x1b[2K");
        }

        if (!_isTerminal)
        {
            Console.Error.WriteLine($"{Elapsed()} {_name.PadRight(NameWidth)} {result}");
            return;
        }

        _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[grey]{Elapsed()}[/] {_name.PadRight(NameWidth)} {result}");
    }

    private string Elapsed() => string.Create(CultureInfo.InvariantCulture, $"{_watch.Elapsed.TotalSeconds,5:F1} s");
}
