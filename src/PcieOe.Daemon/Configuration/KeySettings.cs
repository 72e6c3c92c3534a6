using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace PcieOe.Daemon.Configuration;

/// <summary>
/// Reads a pre-shared key: "key" (base64) or "keyFile" (a file that holds the base64, readable by its owner alone; beside the configuration
/// if named without a folder).
/// </summary>
public static class KeySettings
{
    public const int KeyBytes = 32;

    /// <summary>A fresh key, as configurations hold it.</summary>
    public static string Create() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <summary>The key, or null where there is none or it is in error (which is reported).</summary>
    public static byte[]? Read(ConfigurationReader reader)
    {
        string? text = reader.Text("key");
        string? file = reader.Text("keyFile");
        if (text is not null && file is not null)
        {
            reader.Report("keyFile", "stands beside key: give one of the two.");
            return null;
        }

        string at = file is null ? "key" : "keyFile";
        if (file is not null)
        {
            text = ReadFile(reader, file);
        }

        if (text is null)
        {
            return null;
        }

        if (TryParse(text, out byte[]? key))
        {
            return key;
        }

        reader.Report(at, $"does not hold {KeyBytes} bytes in base64. 'head -c {KeyBytes} /dev/urandom | base64' makes a key; host and target need the same.");
        return null;
    }

    /// <summary>Reads the base64 of exactly <see cref="KeyBytes"/> bytes.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out byte[]? key)
    {
        byte[] buffer = new byte[KeyBytes + 1];
        bool isKey = Convert.TryFromBase64String(text.Trim(), buffer, out int written) && written == KeyBytes;
        key = isKey ? buffer[..KeyBytes] : null;
        return isKey;
    }

    private static string? ReadFile(ConfigurationReader reader, string name)
    {
        string file = Path.GetFullPath(name, reader.Folder);
        try
        {
            if (!IsCredential(file) && (File.GetUnixFileMode(file) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
            {
                reader.Report("keyFile", $"names {file}, which others than its owner can read: 'chmod 600 {file}'.");
            }

            return File.ReadAllText(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            reader.Report("keyFile", $"cannot be read: {exception.Message}");
            return null;
        }
    }

    // What systemd hands over (LoadCredential=) is the service's alone by an access control list, whose mask looks like the group's right.
    private static bool IsCredential(string file) =>
        Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY") is { Length: > 0 } folder && Path.GetDirectoryName(file) == Path.GetFullPath(folder);
}
