using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace PcieOe.Cli.Commands;

/// <summary>A command whose help goes on after the list of options: what one has to know, and examples.</summary>
/// <param name="description">One sentence, which also stands in the list of commands.</param>
/// <param name="lesson">Whole lines.</param>
internal sealed class TaughtCommand(string name, string description, string lesson) : Command(name, description)
{
    private string Lesson { get; } = lesson;

    /// <summary>Makes the help of a root command, and of all commands below it, end with their lessons.</summary>
    internal static void Teach(RootCommand root)
    {
        foreach (HelpOption option in root.Options.OfType<HelpOption>())
        {
            option.Action = new LessonAction((HelpAction)option.Action!);
        }
    }

    private sealed class LessonAction(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int result = help.Invoke(parseResult);
            if (parseResult.CommandResult.Command is TaughtCommand command)
            {
                parseResult.InvocationConfiguration.Output.WriteLine(command.Lesson);
            }

            return result;
        }
    }
}
