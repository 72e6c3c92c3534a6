namespace PcieOe.Cli.Lab;

/// <summary>Where programs are.</summary>
internal static class ProgramPath
{
    /// <summary>The full path of a program that PATH or a usual system folder has; null if neither does.</summary>
    internal static string? Find(string program)
    {
        string folders = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin:/usr/bin:/bin";
        return folders.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>How this program is started once more: its own file, or dotnet and its assembly.</summary>
    internal static IReadOnlyList<string> Self()
    {
        string process = Environment.ProcessPath ?? throw new LabException("This program does not know where it is.");
        return Path.GetFileNameWithoutExtension(process) == "dotnet" ? [process, Path.Combine(AppContext.BaseDirectory, "pcieoe.dll")] : [process];
    }
}
