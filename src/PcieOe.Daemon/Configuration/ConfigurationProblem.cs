namespace PcieOe.Daemon.Configuration;

/// <summary>One mistake in a configuration: where it is ("functions[0].media.path"), and a sentence that says how to mend it.</summary>
public sealed record ConfigurationProblem(string Place, string Message)
{
    public override string ToString() => Place.Length == 0 ? Message : $"{Place}: {Message}";
}
