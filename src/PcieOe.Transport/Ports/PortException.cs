namespace PcieOe.Transport.Ports;

/// <summary>A port could not be opened. The message says why, and what to do about it.</summary>
public sealed class PortException : Exception
{
    public PortException()
    {
    }

    public PortException(string message)
        : base(message)
    {
    }

    public PortException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
