using Spectre.Console;

namespace PcieOe.Cli.Reports;

/// <summary>Where people read: standard output for reports, standard error for progress; plain and 100 columns wide where that is no terminal.</summary>
internal static class ReportConsole
{
    private const int PlainWidth = 100;

    internal static IAnsiConsole Create() => Create(Console.Out, Console.IsOutputRedirected);

    internal static IAnsiConsole CreateForProgress() => Create(Console.Error, Console.IsErrorRedirected);

    private static IAnsiConsole Create(TextWriter writer, bool isPlain)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isPlain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = isPlain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Out = new AnsiConsoleOutput(writer),
        });
        if (isPlain)
        {
            console.Profile.Width = PlainWidth;
        }

        return console;
    }
}
