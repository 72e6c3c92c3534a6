namespace PcieOe.Cli.Lab;

/// <summary>A lab could not be set up. The message says why, and what to do about it.</summary>
public sealed class LabException : Exception
{
    public LabException()
    {
    }

    public LabException(string message)
        : base(message)
    {
    }

    public LabException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
