namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>Shows a person what a lab is at. Calls may come from any thread, one at a time.</summary>
internal interface ILabProgress
{
    /// <summary>A step begins.</summary>
    void Begin(string name);

    /// <summary>How far the step is, 0 to 1.</summary>
    void Report(double part);

    /// <summary>The step is done; what came of it, in a few words.</summary>
    void End(string result);
}
